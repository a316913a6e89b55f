#include "team.h"

#include <string.h>

#include "memory.h"

int mcbe_team_rank(const mcbe_team_t *team)
{
    return team ? mcbe_comm_rank(team->comm) : 0;
}

int mcbe_team_size(const mcbe_team_t *team)
{
    return team ? mcbe_comm_size(team->comm) : 1;
}

int mcbe_team_look(const mcbe_team_t *team)
{
    return team && team->between_blocks && team->between_blocks(team->context);
}

mcbe_status_t mcbe_team_go_on(const mcbe_team_t *team)
{
    if (!team) {
        return MCBE_OK;
    }
    int64_t wanted = !mcbe_team_look(team);
    if (mcbe_comm_size(team->comm) > 1) {
        mcbe_comm_min_i64(team->comm, &wanted, 1);
    }
    return wanted ? MCBE_OK : MCBE_STOPPED;
}

mcbe_status_t mcbe_team_share_f64(const mcbe_team_t *team, double *values, size_t count)
{
    if (!team) {
        return MCBE_OK;
    }
    /* the words of 0.0 are 0, so that the others' words are the sum */
    int64_t *words = mcbe_alloc(count, sizeof *words);
    if (!words) {
        return MCBE_ERR_NOMEM;
    }
    memcpy(words, values, count * sizeof *words);
    mcbe_comm_sum_i64(team->comm, words, count);
    memcpy(values, words, count * sizeof *words);
    mcbe_free(words);
    return MCBE_OK;
}
