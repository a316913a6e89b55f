#include "phase_diagram.h"

#include "memory.h"
#include "survey.h"

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    {.path = "grid.n",
     .type = MCBE_KEY_AXIS,
     .min = 1,
     .max = MCBE_MAX_N,
     .help = "Input dimensions n."},
    {.path = "grid.m",
     .type = MCBE_KEY_AXIS,
     .min = 1,
     .max = MCBE_MAX_M,
     .help = "Numbers of rows m; cells with m < n are left out."},
    {.path = "grid.nested",
     .type = MCBE_KEY_BOOL,
     .fallback = "false",
     .help = "For each n, let the layer with m rows be the first m rows of the largest one and "
             "share the "
             "points: one pass serves all m, whose results are then correlated."},
    MCBE_SURVEY_KEYS,
    {.path = NULL},
};

/* The two axes of the grid. */
typedef struct grid {
    const int64_t *n, *m; /* borrowed from the config, ascending */
    int n_count, m_count;
} grid_t;

static int on_axis(const int64_t *axis, int count, int64_t value)
{
    for (int i = 0; i < count; i++) {
        if (axis[i] == value) {
            return 1;
        }
    }
    return 0;
}

static mcbe_status_t check_grid(const grid_t *grid, const mcbe_survey_t *survey,
                                const mcbe_config_t *config, mcbe_error_t *err)
{
    int m, n;
    const int64_t n_min = grid->n[0], m_max = grid->m[grid->m_count - 1];
    if (m_max < n_min) {
        return mcbe_config_reject(config, err, "grid.m",
                                  "up to %lld, but n starts at %lld; no cell with m >= n is left",
                                  (long long)m_max, (long long)n_min);
    }
    if (mcbe_setup_fixed_shape(&survey->setup, &m, &n) &&
        (!on_axis(grid->n, grid->n_count, n) || !on_axis(grid->m, grid->m_count, m) ||
         grid->n_count * grid->m_count != 1)) {
        return mcbe_config_reject(config, err, "grid.m",
                                  "does not fit the weight matrix, which is %d x %d; grid: {n: %d, "
                                  "m: %d} is the only cell there is",
                                  m, n, n, m);
    }
    if (survey->nested_m > 0 && survey->setup.search_evaluations > 0) {
        return mcbe_config_reject(config, err, "grid.nested",
                                  "true; search walks in one layer at a time: set it to false, or "
                                  "search.enabled to false");
    }
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < grid->n_count && st == MCBE_OK; i++) {
        st = mcbe_setup_check_n(&survey->setup, config, "grid.n", grid->n[i], err);
    }
    return st;
}

static mcbe_status_t make_cells(const grid_t *grid, mcbe_survey_t *survey)
{
    survey->cells =
        mcbe_alloc((size_t)grid->n_count * (size_t)grid->m_count, sizeof *survey->cells);
    if (!survey->cells) {
        return MCBE_ERR_NOMEM;
    }
    for (int i = 0; i < grid->n_count; i++) {
        for (int k = 0; k < grid->m_count; k++) {
            if (grid->m[k] >= grid->n[i]) {
                survey->cells[survey->cell_count++] =
                    (mcbe_survey_cell_t){.n = grid->n[i], .m = grid->m[k]};
            }
        }
    }
    return MCBE_OK;
}

static mcbe_status_t take_grid(mcbe_survey_t *survey, const mcbe_config_t *config,
                               mcbe_error_t *err)
{
    grid_t grid;
    grid.n = mcbe_config_axis(config, "grid.n", &grid.n_count);
    grid.m = mcbe_config_axis(config, "grid.m", &grid.m_count);
    survey->nested_m = mcbe_config_bool(config, "grid.nested") ? grid.m[grid.m_count - 1] : 0;
    const mcbe_status_t st = check_grid(&grid, survey, config, err);
    return st == MCBE_OK ? make_cells(&grid, survey) : st;
}

static mcbe_status_t open_grid(mcbe_config_t *config, void **params, mcbe_error_t *err)
{
    return mcbe_survey_open(config, params, take_grid, err);
}

const mcbe_experiment_t mcbe_phase_diagram = {
    .table = {.experiment = "phase_diagram",
              .summary = "alpha* and Hamming proportions of random layers over a grid of (n, m)",
              .keys = keys},
    .open = open_grid,
    MCBE_SURVEY_ENTRIES,
    MCBE_SURVEY_QUESTIONS,
};
