/* The debug letters, on the way of an evaluation. */
#ifndef ONEPASS_RUN_DUMP_H
#define ONEPASS_RUN_DUMP_H

#include "run/execute.h"

/* Logs what the engine's debug letters ask for about a plan that is about to run. */
void op_debug_plan(op_engine *engine, const op_prepared *prepared);

#endif
