/*
 * hide: functions that this process shall not find, as in an older CANN.
 *
 * Hiding empties a function's entry in this library's own symbol table, in
 * this process's memory. From then on the dynamic loader says that the
 * function does not exist: to dlsym, and to the first call of a client that
 * binds lazily. A client that found the function before keeps it.
 *
 * The dynamic loader passes over entries of the value 0, so a function is
 * hidden by that and found again by its old value. The table lies in pages
 * without code (-z separate-code); its length is in the old hash table
 * (--hash-style=both), which is there for that alone.
 */
#include <elf.h>
#include <fnmatch.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "call/settings.h"

/* Both come from the linker and lie in this library. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

static struct {
    ElfW(Sym) * symbol;
    const char *names;
    size_t count;
    ElfW(Addr) * value;          /* owned; as linked, one for each symbol */
} table;

/* Some loaders leave addresses in the dynamic section as they were linked. */
static uintptr_t section_at(ElfW(Sxword) tag)
{
    uintptr_t base = (uintptr_t)__ehdr_start;
    const ElfW(Dyn) *entry = _DYNAMIC;

    while (entry->d_tag != tag && entry->d_tag != DT_NULL)
        entry++;
    if (entry->d_tag == DT_NULL)
        return 0;
    return entry->d_un.d_ptr < base ? base + entry->d_un.d_ptr : entry->d_un.d_ptr;
}

/* Finds the table, once. False without memory. */
static bool table_open(void)
{
    const uint32_t *hash = (const uint32_t *)section_at(DT_HASH);

    if (table.value != NULL)
        return true;
    size_t count = hash != NULL ? hash[1] : 0;
    ElfW(Addr) *value = calloc(count + 1, sizeof *value);
    if (value == NULL)
        return false;
    table.symbol = (ElfW(Sym) *)section_at(DT_SYMTAB);
    table.names = (const char *)section_at(DT_STRTAB);
    table.count = count;
    for (size_t i = 0; i < count; i++)
        value[i] = table.symbol[i].st_value;
    table.value = value;
    return true;
}

/* The controls cannot be hidden, and what is not ours has no value. */
static bool can_hide(size_t i)
{
    const char *name = table.names + table.symbol[i].st_name;

    return table.value[i] != 0 && strncmp(name, "acl", 3) == 0 && strncmp(name, "aclfake", 7) != 0;
}

static bool matches(size_t i, const char *pattern)
{
    return can_hide(i) && fnmatch(pattern, table.names + table.symbol[i].st_name, 0) == 0;
}

/* Marks what a pattern matches; false when that is nothing. */
static bool mark(const char *pattern, bool *hidden)
{
    bool any = false;

    for (size_t i = 0; i < table.count; i++)
        if (matches(i, pattern))
            any = hidden[i] = true;
    return any;
}

static bool mark_all(char *patterns, bool *hidden)
{
    char *rest = NULL;
    bool good = true;

    for (char *pattern = strtok_r(patterns, ",", &rest); good && pattern != NULL;
         pattern = strtok_r(NULL, ",", &rest))
        good = mark(pattern, hidden);
    return good;
}

/* Makes the table's pages writable, or not again. */
static bool table_protect(int protection)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)table.symbol / page * page;
    uintptr_t end = (uintptr_t)(table.symbol + table.count);

    return mprotect((void *)start, end - start, protection) == 0;
}

static bool write_values(const bool *hidden)
{
    if (!table_protect(PROT_READ | PROT_WRITE))
        return false;
    for (size_t i = 0; i < table.count; i++)
        if (can_hide(i))
            __atomic_store_n(&table.symbol[i].st_value, hidden[i] ? 0 : table.value[i],
                             __ATOMIC_RELAXED);
    return table_protect(PROT_READ);
}

/*
 * Hides exactly the functions that a list of names and shell patterns,
 * parted by commas, matches ("aclmdlBundleInit*"); "" hides none. Nothing
 * changes when a pattern matches nothing.
 */
static const char *hide_only(const char *patterns)
{
    static const char right[] = "names of functions or shell patterns that "
                                "match one, parted by commas";
    const char *complaint = "possible here: the system does not let a "
                            "library change its symbol table";

    if (*patterns == '\0' && table.value == NULL)
        return NULL;
    bool *hidden = table_open() ? calloc(table.count + 1, sizeof *hidden) : NULL;
    char *copy = strdup(patterns);
    if (hidden != NULL && copy != NULL)
        complaint = !mark_all(copy, hidden) ? right : write_values(hidden) ? NULL : complaint;
    free(hidden);
    free(copy);
    return complaint;
}

SETTING(SETTING_HIDE, "hide", hide_only, "")
