/* The interpreter: block by block, each instruction a loop of the op table. It is the oracle of the
 * tests, the fallback without a compiler, and gives the same bits as compiled kernels. */
#include <string.h>

#include "base/dtype.h"
#include "expr/loops.h"
#include "run/code.h"

enum { BLOCK = 256, /* a multiple of OP_LANES */ ELEMENT = 8 /* bytes of the largest dtype */ };

static int arity_of(const op_insn *insn)
{
    return op_rows[insn->code].arity;
}

/* Gives every value a slot; a slot is free again after the last use of its value. */
int op_interpret_prepare(const op_program *program, const op_allocator *allocator, op_slots *slots)
{
    uint32_t n = program->n_insn;
    uint32_t *memory = op_alloc_zero(allocator, sizeof *memory * (3 * (size_t)n + 1));
    if (!memory)
        return 0;
    uint32_t *slot = memory, *last = memory + n, *free_slot = memory + 2 * (size_t)n;
    uint32_t n_slot = 0, n_free = 0;
    for (uint32_t i = 0; i < n; i++)
        for (int k = 0; k < arity_of(&program->insn[i]); k++)
            last[program->insn[i].arg[k]] = i;
    for (uint32_t i = 0; i < n; i++)
        if (program->insn[i].code == OP_CODE_SCALAR)
            last[i] = UINT32_MAX; /* filled once for all blocks */
    for (uint32_t i = 0; i < program->n_out; i++)
        last[program->store[i]] = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const op_insn *insn = &program->insn[i];
        int own = insn->code == OP_CODE_SCALAR; /* what comes before it would overwrite it in the next block */
        slot[i] = n_free && !own ? free_slot[--n_free] : n_slot++;
        for (int k = 0; k < arity_of(insn); k++) {
            uint32_t arg = insn->arg[k];
            if (last[arg] != i)
                continue;
            free_slot[n_free++] = slot[arg];
            last[arg] = UINT32_MAX; /* once, also if it is there twice */
        }
    }
    *slots = (op_slots){slot, n_slot};
    return 1;
}

/* ---- memory <-> blocks ---- */

static void copy_strided(char *to, int64_t to_stride, const char *from, int64_t from_stride, int64_t n, int size)
{
    if (to_stride == size && from_stride == size) {
        memcpy(to, from, (size_t)(n * size));
        return;
    }
#define COPY(bytes)                                                                                                    \
    for (int64_t i = 0; i < n; i++)                                                                                    \
        memcpy(to + i * to_stride, from + i * from_stride, bytes)
    switch (size) {
    case 1:
        COPY(1);
        break;
    case 2:
        COPY(2);
        break;
    case 4:
        COPY(4);
        break;
    default:
        COPY(8);
        break;
    }
#undef COPY
}

static void load_block(char *block, const op_operand *operand, op_operand_type type, const char *row, int64_t begin,
                       int64_t n)
{
    int size = op_dtypes[type.dtype].size;
    int64_t stride = type.access == OP_BROADCAST ? 0 : type.access == OP_CONTIGUOUS ? size : operand->stride;
    copy_strided(block, size, row + begin * stride, stride, n, size);
    if (type.dtype == OP_BOOL) /* any byte but zero is true */
        for (int64_t i = 0; i < n; i++)
            block[i] = block[i] != 0;
}

static void store_block(const char *block, const op_operand *operand, op_operand_type type, char *row, int64_t begin,
                        int64_t n)
{
    int size = op_dtypes[type.dtype].size;
    int64_t stride = type.access == OP_CONTIGUOUS ? size : operand->stride;
    copy_strided(row + begin * stride, stride, block, size, n, size);
}

/* ---- execution ---- */

typedef struct op_frame {
    const op_code *code;
    const op_kernel_args *args;
    const op_loops *loops;
    char *block; /* n_slot blocks */
    char *lanes; /* of two rows, by output, if there are to be results */
    int64_t first_row;
    uint32_t folded; /* outputs */
} op_frame;

static char *value_of(const op_frame *f, uint32_t value)
{
    return f->block + (size_t)f->code->slots.slot[value] * BLOCK * ELEMENT;
}

static void fill_scalars(const op_frame *f)
{
    const op_program *program = &f->code->program;
    for (uint32_t i = 0; i < program->n_insn; i++) {
        const op_insn *insn = &program->insn[i];
        int size = op_dtypes[insn->dtype].size;
        if (insn->code == OP_CODE_SCALAR)
            copy_strided(value_of(f, i), size, (const char *)&f->args->scalars[insn->arg[0]], 0, BLOCK, size);
    }
}

static void run_insn(const op_frame *f, uint32_t i, int64_t n)
{
    const op_insn *insn = &f->code->program.insn[i];
    const void *in[3] = {0};
    for (int k = 0; k < arity_of(insn); k++)
        in[k] = value_of(f, insn->arg[k]);
    op_loop loop = insn->code == OP_CODE_CAST       ? f->loops->cast[insn->dtype][insn->result]
                   : insn->code == OP_CODE_CAST_SAT ? f->loops->cast_sat[insn->dtype][insn->result]
                                                    : f->loops->row[insn->code][insn->dtype];
    loop(value_of(f, i), in, n);
}

/* ---- lanes ---- */

static op_operand_type type_of_output(const op_frame *f, uint32_t i)
{
    return f->code->program.operand[f->code->program.n_in + i];
}

static const op_operand *output(const op_frame *f, uint32_t i)
{
    return &f->args->operand[f->code->program.n_in + i];
}

static int64_t size_of_output(const op_frame *f, uint32_t i)
{
    return op_dtypes[type_of_output(f, i).dtype].size;
}

static char *lanes_of(const op_frame *f, uint32_t i, int64_t row)
{
    if (!(f->args->flags & OP_KERNEL_RESULTS))
        return output(f, i)->data + row * output(f, i)->row_stride;
    int64_t leaf = f->args->flags & OP_KERNEL_LEAVES ? row : 0;
    return f->lanes + (2 * i + leaf) * OP_LANES * ELEMENT;
}

/* n lanes of output i, and values that come after what they hold. */
static void combine(const op_frame *f, uint32_t i, char *lanes, const char *values, int64_t n)
{
    op_operand_type type = type_of_output(f, i);
    int new_first = op_combines_new_first((op_opcode)type.fold);
    const void *in[] = {new_first ? values : lanes, new_first ? lanes : values};
    f->loops->row[type.fold][type.dtype](lanes, in, n);
}

static void begin_lanes(const op_frame *f, uint32_t i, int64_t row)
{
    op_operand_type type = type_of_output(f, i);
    uint64_t identity = 0;
    op_identity((op_opcode)type.fold, (op_dtype)type.dtype, &identity);
    copy_strided(lanes_of(f, i, row), size_of_output(f, i), (const char *)&identity, 0, OP_LANES, (int)size_of_output(f, i));
}

static void fold_block(const op_frame *f, uint32_t i, int64_t row, int64_t n)
{
    const char *values = value_of(f, f->code->program.store[i]);
    for (int64_t k = 0; k < n; k += OP_LANES)
        combine(f, i, lanes_of(f, i, row), values + k * size_of_output(f, i), n - k < OP_LANES ? n - k : OP_LANES);
}

/* Of a row, or of all leaves. */
static void store_result(const op_frame *f, uint32_t i, int64_t row)
{
    op_operand_type type = type_of_output(f, i);
    int64_t size = size_of_output(f, i);
    char *lanes = lanes_of(f, i, row);
    if (lanes != lanes_of(f, i, 0)) {
        combine(f, i, lanes_of(f, i, 0), lanes, OP_LANES);
        lanes = lanes_of(f, i, 0);
    }
    for (int64_t half = OP_LANES / 2; half > 0; half /= 2)
        combine(f, i, lanes, lanes + half * size, half);
    if (type.fold == OP_CODE_add && op_dtype_kind((op_dtype)type.dtype) == OP_KIND_F) { /* as NumPy's sums begin with 0 */
        uint64_t zero = 0;
        f->loops->row[OP_CODE_add][type.dtype](lanes, (const void *[]){lanes, &zero}, 1);
    }
    memcpy(output(f, i)->data + row * output(f, i)->row_stride, lanes, (size_t)size);
}

/* ---- rows ---- */

/* Where an input of a row is: one that is carried, where the row before has put it. */
static const op_operand *input_of(const op_frame *f, uint32_t i, int64_t row)
{
    const op_program *program = &f->code->program;
    int carried = program->carries && i >= program->n_in - program->n_out && row > f->first_row;
    return &f->args->operand[carried ? i + program->n_out : i];
}

/* Elements begin..begin+n-1 of one row. */
static void run_block(const op_frame *f, int64_t row, int64_t begin, int64_t n)
{
    const op_program *program = &f->code->program;
    for (uint32_t i = 0; i < program->n_insn; i++) {
        const op_insn *insn = &program->insn[i];
        if (insn->code == OP_CODE_LOAD) {
            const op_operand *o = input_of(f, insn->arg[0], row);
            load_block(value_of(f, i), o, program->operand[insn->arg[0]], o->data + row * o->row_stride, begin, n);
        } else if (insn->code != OP_CODE_SCALAR) {
            run_insn(f, i, n);
        }
    }
    for (uint32_t i = 0; i < program->n_out; i++) {
        const op_operand *o = output(f, i);
        if (i < f->folded)
            fold_block(f, i, row, n);
        else
            store_block(value_of(f, program->store[i]), o, type_of_output(f, i), o->data + row * o->row_stride, begin, n);
    }
}

static void run_row(const op_frame *f, int64_t row, int64_t begin, int64_t end)
{
    for (uint32_t i = 0; i < f->folded; i++)
        begin_lanes(f, i, row);
    for (; begin < end; begin += BLOCK)
        run_block(f, row, begin, end - begin < BLOCK ? end - begin : BLOCK);
}

static int64_t row_extent(const op_kernel_args *args, int64_t row)
{
    int64_t left = args->n - row * OP_LEAF;
    return !(args->flags & OP_KERNEL_LEAVES) ? args->n : left < OP_LEAF ? left : OP_LEAF;
}

static void run_rows(const op_frame *f, int64_t begin, int64_t end)
{
    uint64_t flags = f->args->flags;
    for (int64_t row = begin; row < end; row++) {
        run_row(f, row, 0, row_extent(f->args, row));
        if (flags & OP_KERNEL_RESULTS && (!(flags & OP_KERNEL_LEAVES) || row == end - 1))
            for (uint32_t i = 0; i < f->folded; i++)
                store_result(f, i, row);
    }
}

int op_interpret(const op_code *code, const op_kernel_args *args, int64_t begin, int64_t end)
{
    enum { ON_STACK = 8 };
    _Alignas(64) char room[ON_STACK * BLOCK * ELEMENT];
    uint32_t folded = op_program_folded(&code->program);
    size_t blocks = (size_t)code->slots.n_slot * BLOCK * ELEMENT, bytes = blocks + folded * (2 * OP_LANES * ELEMENT);
    char *block = bytes <= sizeof room ? room : op_alloc(code->allocator, bytes);
    if (!block)
        return 0;
    op_frame f = {code, args, op_loops_best(), block, block + blocks, begin, folded};
    fill_scalars(&f);
    if (code->program.rank == 1)
        run_row(&f, 0, begin, end);
    else
        run_rows(&f, begin, end);
    if (block != room)
        op_release(code->allocator, block);
    return 1;
}
