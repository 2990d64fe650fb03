/*
 * arena_marks: which bytes of an arena were written.
 */
#include <limits.h>
#include <string.h>

#include "base/arena.h"

/* Most weights are marked throughout: a word of marks is looked at at once. */
typedef uint64_t __attribute__((may_alias)) Word;
enum { WORD = sizeof(Word) };

static Word word_at(const Arena *arena, size_t at)
{
    return __atomic_load_n((const Word *)(const void *)&arena->marks[at], __ATOMIC_RELAXED);
}

/* The bits of a byte of marks from one on, and up to one. */
static unsigned char bits_from(size_t bit)
{
    return (unsigned char)(0xFFu << bit);
}

static unsigned char bits_below(size_t bit)
{
    return (unsigned char)~bits_from(bit);
}

static void mark_some(unsigned char *marks, unsigned char bits)
{
    if (bits != 0 && (__atomic_load_n(marks, __ATOMIC_RELAXED) & bits) != bits)
        __atomic_fetch_or(marks, bits, __ATOMIC_RELAXED);
}

void arena_mark(const Arena *arena, uintptr_t address, size_t size)
{
    size_t from = address - arena->base;
    size_t to = from + size;
    size_t first = from / CHAR_BIT;
    size_t last = to / CHAR_BIT;

    if (first == last) {
        mark_some(&arena->marks[first], bits_from(from % CHAR_BIT) & bits_below(to % CHAR_BIT));
        return;
    }
    mark_some(&arena->marks[first], bits_from(from % CHAR_BIT));
    memset(&arena->marks[first + 1], 0xFF, last - first - 1);
    mark_some(&arena->marks[last], bits_below(to % CHAR_BIT));
}

bool arena_is_marked(const Arena *arena, uintptr_t address, size_t size)
{
    size_t at = address - arena->base;

    for (size_t end = at + size; at < end; at++) {
        size_t byte = at / CHAR_BIT;
        if (at % (WORD * CHAR_BIT) == 0 && word_at(arena, byte) == ~(Word)0) {
            at |= WORD * CHAR_BIT - 1;
            continue;
        }
        unsigned char marks = __atomic_load_n(&arena->marks[byte], __ATOMIC_RELAXED);
        if (marks == 0xFF)
            at |= CHAR_BIT - 1;
        else if ((marks >> at % CHAR_BIT & 1) == 0)
            return false;
    }
    return true;
}

/* A byte of marks that begins at any bit; 0 behind the last one. */
static unsigned char marks_at(const Arena *arena, size_t bit)
{
    size_t at = bit / CHAR_BIT;
    unsigned shift = bit % CHAR_BIT;
    unsigned low = __atomic_load_n(&arena->marks[at], __ATOMIC_RELAXED);
    unsigned high = 0;

    if (shift > 0 && at + 1 < arena->size / CHAR_BIT)
        high = __atomic_load_n(&arena->marks[at + 1], __ATOMIC_RELAXED);
    return (unsigned char)((low | high << CHAR_BIT) >> shift);
}

/* Gives some bits of a byte of marks other values. False: one was taken. */
static bool replace_some(unsigned char *marks, unsigned char bits, unsigned char values)
{
    unsigned char taken = bits & (unsigned char)~values;
    unsigned char before = 0;

    if (taken != 0)
        before = __atomic_fetch_and(marks, (unsigned char)~taken, __ATOMIC_RELAXED);
    mark_some(marks, bits & values);
    return (before & taken) == 0;
}

/* One byte of the marks of a destination that goes from a bit to a bit. */
static bool copy_byte(const Arena *to, size_t at, size_t from_bit, size_t to_bit, const Arena *from,
                      size_t of)
{
    size_t first = at * CHAR_BIT;
    unsigned char bits = 0xFF;
    size_t skipped = 0;

    if (first < from_bit) {
        skipped = from_bit - first;
        bits = bits_from(skipped);
    }
    if (first + CHAR_BIT > to_bit)
        bits &= bits_below(to_bit - first);
    unsigned char values = marks_at(from, of + first + skipped - from_bit);
    return replace_some(&to->marks[at], bits, (unsigned char)(values << skipped));
}

/* One word, from a word. False: a mark was taken. */
static bool copy_word(const Arena *to, size_t at, Word values)
{
    Word before = word_at(to, at);

    if ((before & ~values) != 0)
        before = __atomic_fetch_and((Word *)(void *)&to->marks[at], values, __ATOMIC_RELAXED);
    if ((values & ~before) != 0)
        __atomic_fetch_or((Word *)(void *)&to->marks[at], values, __ATOMIC_RELAXED);
    return (before & ~values) == 0;
}

bool arena_copy_marks(const Arena *to, uintptr_t address, const Arena *from, uintptr_t source,
                      size_t size)
{
    size_t begin = address - to->base;
    size_t end = begin + size;
    size_t of = source - from->base;
    size_t first = begin / CHAR_BIT;
    size_t left = (end + CHAR_BIT - 1) / CHAR_BIT - first;
    bool words = (of - begin) % (WORD * CHAR_BIT) == 0;
    bool kept = true;

    while (left > 0) {
        size_t step = words && left >= WORD ? WORD : 1;
        size_t at = source < address ? first + left - step : first;
        if (step == WORD &&
            (at % WORD != 0 || at * CHAR_BIT < begin || (at + WORD) * CHAR_BIT > end)) {
            step = 1;
            at = source < address ? first + left - step : first;
        }
        if (step == WORD)
            kept &= copy_word(to, at, word_at(from, (of + at * CHAR_BIT - begin) / CHAR_BIT));
        else
            kept &= copy_byte(to, at, begin, end, from, of);
        left -= step;
        first += source < address ? 0 : step;
    }
    return kept;
}
