#!/bin/sh
# Bad input to the command: the exact exit status, one sentence on standard error, and nothing changed.
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
mkdir "$work/files" && cd "$work/files" || exit 99
failures=0

complain() {
    echo "FAILED: $*"
    sed 's/^/    | /' "$work/stderr"
    failures=$((failures + 1))
}

# npy DESCR SHAPE: the 128-byte header of a .npy file
npy() {
    text="{'descr': '$1', 'fortran_order': False, 'shape': $2, }"
    printf '\223NUMPY\001\000v\000%-117s\n' "$text"
}
zeros() {
    head -c "$1" /dev/zero
}

{ npy '<f8' '(3,)' && printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\360\077\0\0\0\0\0\0\0\100'; } >b.npy # 0 1 2
{ npy '<f8' '(4,)' && zeros 32; } >four.npy
{ npy '<f2' '(4,)' && zeros 8; } >half.npy
{ npy '<c16' '(1,)' && zeros 16; } >complex.npy
{ npy '|O' '(1,)' && zeros 8; } >object.npy
head -c 140 b.npy >cut.npy
head -c 60 b.npy >cut_header.npy
: >empty.npy
echo 'no array' >text.npy
echo 'PK' >text.npz
npy '<f8' '(4611686018427387904, 4)' >absurd.npy
npy '<f8' '(1000000000,)' >short.npy
mkdir directory
echo precious >out.npy
cp out.npy readonly.npy
chmod a-w readonly.npy
printf 'sin(b' >formula.txt
printf 'b\0' >zero.txt

listing() {
    find . -type f -exec cksum {} + | sort
}
before=$(listing)

# bad STATUS LINES PATTERN ARGUMENTS...
bad() {
    status=$1 lines=$2 pattern=$3
    shift 3
    onepass "$@" </dev/null >"$work/stdout" 2>"$work/stderr"
    got=$?
    [ "$got" -eq "$status" ] || complain "exit status $got, not $status: $*"
    [ "$(wc -l <"$work/stderr")" -eq "$lines" ] || complain "not $lines lines on stderr: $*"
    head -n 1 "$work/stderr" | grep -q "^onepass: .*$pattern" || complain "no '$pattern': $*"
    [ ! -s "$work/stdout" ] || complain "something on stdout: $*"
    [ "$(listing)" = "$before" ] || complain "files changed: $*"
}
# files
bad 1 1 'cannot open nowhere.npy: No such file' eval 'b+1' b=nowhere.npy -o out.npy
bad 1 1 'cut short: 12 bytes' eval 'b+1' b=cut.npy -o out.npy
bad 1 1 'cut short: it ends inside' eval 'b+1' b=cut_header.npy -o out.npy
bad 1 1 'empty.npy is empty' eval 'b+1' b=empty.npy -o out.npy
bad 1 1 'text.npy is not a .npy file' eval 'b+1' b=text.npy
bad 1 1 'text.npz is not a .npy file' eval 'b+1' b=text.npz
bad 1 1 'text.npz is not a .npz file' eval 'b+1' b=text.npz:b
bad 1 1 'larger than any file' eval 'b+1' b=absurd.npy
bad 1 1 'cut short: 8000000000 bytes' eval 'b+1' b=short.npy -o out.npy
bad 1 1 'it is a directory' eval 'b+1' b=directory
bad 1 1 'neither a file nor a pipe' eval 'b+1' b=-
bad 1 1 'cannot open ./1e5' eval 'b+1' b=./1e5
bad 1 1 'float16 are not supported' eval 'b+1' b=half.npy
bad 1 1 'complex128 are not supported' eval 'b+1' b=complex.npy
bad 1 1 "NumPy's dtype '|O'" eval 'b+1' b=object.npy

# outputs
bad 1 1 'cannot write nowhere/out.npy: No such file' eval 'b+1' b=b.npy -o nowhere/out.npy
bad 1 1 'it is a directory' eval 'b+1' b=b.npy -o directory
[ "$(id -u)" -eq 0 ] || bad 1 1 'cannot write .*readonly.npy: Permission' eval 'b+1' b=b.npy -o readonly.npy
bad 2 1 "assigns no 'z'" eval 'y = b+1' b=b.npy -o z=out.npy
bad 2 1 'output of two results' eval 'y = b+1; z = b' b=b.npy -o y=out.npy -o z=out.npy
bad 2 1 'writes .npy files' eval 'b+1' b=b.npy -o out.npz
bad 2 1 'has no file' eval 'y = b+1' b=b.npy -o y=
[ ! -w /dev/full ] || bad 1 1 'cannot write /dev/full: No space' eval 'b+1' b=b.npy -o /dev/full

# shapes and dtypes
bad 1 3 '(3,).*(4,)' eval 'b + c' b=b.npy c=four.npy -o out.npy
bad 1 3 'bitwise_and' eval 'b & 1' b=b.npy -o out.npy
bad 1 3 '2 indices for 1 dimension' eval 'b[0, 0]' b=b.npy -o out.npy
bad 1 1 'i32' eval 'b + 1' b=b.npy --dtype i32 -o out.npy

# names
bad 2 3 "'c' has no value" eval 'b + c' b=b.npy -o out.npy
bad 2 1 "'c' is not used" eval 'b + 1' b=b.npy c=four.npy -o out.npy
bad 2 1 "'b' is given twice" eval 'b + 1' b=b.npy b=four.npy -o out.npy
bad 2 1 "'2b=b.npy' is not NAME=VALUE" eval 'b + 1' 2b=b.npy
bad 2 1 "'b' is not NAME=VALUE" eval 'b + 1' b
bad 2 1 "'b=' has no value" eval 'b + 1' b=

# formulas
bad 2 3 'never closed' eval 'sin(b' b=b.npy -o out.npy
bad 2 3 'never closed' eval -f formula.txt b=b.npy -o out.npy
bad 2 3 "no function 'sinn'.*did you mean 'sin'" eval 'sinn(b)' b=b.npy -o out.npy
bad 2 3 'ends where a value is expected' eval 'b +' b=b.npy
bad 2 1 'the formula is empty' eval '' b=b.npy
bad 2 1 'there is no formula' eval
bad 1 1 'zero byte' eval -f zero.txt b=b.npy
bad 1 1 'cannot open nowhere.txt' eval -f nowhere.txt b=b.npy
bad 2 1 'given twice' eval -e b -f formula.txt b=b.npy

# options
bad 2 1 'no option .--sideways' eval 'b' b=b.npy --sideways
bad 2 1 "no option '-b\*b/2'.*goes after --" eval '-b*b/2' b=b.npy
bad 2 1 '--output needs a value' eval 'b' b=b.npy --output
bad 2 1 '-o needs a value' eval 'b' b=b.npy -o
bad 2 1 '--stats takes no value' eval 'b' b=b.npy --stats=1
bad 2 1 'whole number' eval 'b' b=b.npy -t 0
bad 2 1 'whole number' eval 'b' b=b.npy --threads=two
bad 2 1 'whole number' eval 'b' b=b.npy --repeat -1
bad 2 1 "no dtype 'f31'" eval 'b' b=b.npy --dtype f31
bad 2 1 'jit or interp' eval 'b' b=b.npy --tier fast
bad 2 1 'not in this version' eval 'b' b=b.npy --tier tiered
bad 2 1 'no-such-level' eval 'b' b=b.npy --isa no-such-level
bad 2 1 'not in this version' eval 'b' b=shm:/b
bad 2 1 'one name only' eval 'b+c' b=- c=-
bad 2 1 "no 'soup'" inspect 'b' 'b=f64[n]' --show graph,soup
bad 2 1 'there is no command;'
bad 2 1 "no command 'evaluate'" evaluate
for later in bench compile cache map; do
    bad 2 1 "$later is not in this version" "$later"
done

[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
echo 'every failure was one sentence'
