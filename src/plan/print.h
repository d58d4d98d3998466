/* Printers: expressions, plans and signatures as text. */
#ifndef ONEPASS_PLAN_PRINT_H
#define ONEPASS_PLAN_PRINT_H

#include "base/text.h"
#include "plan/plan.h"

/* One line, infix: "sin(B) + C". Deep or long expressions are cut with "...". */
void op_print_expr(op_text *text, const op_expr *e);
/* Every node, one a line, arguments first. */
void op_print_graph(op_text *text, op_graph *graph, int n, op_expr *const *exprs);
void op_print_plan(op_text *text, const op_plan *plan);
/* The program behind a signature, in words. */
void op_print_program(op_text *text, const op_program *program, const op_stage *stage);
/* Every pass over memory and its bytes. */
void op_print_passes(op_text *text, const op_plan *plan);

#endif
