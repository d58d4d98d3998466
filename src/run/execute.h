/* The pipeline behind op_eval and op_run: plan -> verify -> lookup -> run. */
#ifndef ONEPASS_RUN_EXECUTE_H
#define ONEPASS_RUN_EXECUTE_H

#include "run/run.h"

/* A plan with the code of each stage: what can be run again with other addresses. */
typedef struct op_prepared {
    op_plan *plan;
    op_code **code;
    int *temp_first, *temp_last; /* by temporary: the passes that need it */
    op_launch launch;            /* what preparing it took */
} op_prepared;

/* Plans and looks up; everything lies in `arena`, the codes are references. On failure there is nothing to
 * release. */
op_status op_prepare(const op_plan_request *request, op_arena *arena, op_prepared *prepared);
void op_prepared_release(op_prepared *prepared);

/* Runs it on these addresses. Outputs that share memory with inputs are handled here. launch gains what
 * the run did. */
op_status op_execute(op_engine *engine, const op_prepared *prepared, int n_in, const op_view *holes, int n_out,
                     const op_view *outs, const op_run_options *options, op_launch *launch);

/* Made-up holes and outputs for a request without: every open extent the same, C order. */
op_status op_made_up_request(op_plan_request *request, op_arena *arena);

/* Adds a launch to the engine's counters. */
void op_engine_count(op_engine *engine, const op_launch *launch);

#endif
