#include "team.h"

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
