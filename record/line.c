/* The text of a line: JSON, whole whatever it is given. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "record.h"

#define CUT ((size_t)4096)
#define REST ((size_t)900) /* of a line: numbers and names behind its texts and lists */
#define LIST 128
#define EDGE ((size_t)65536)

void record_put(record_call *call, const char *text, size_t size)
{
    if (call->text == NULL) {
        return;
    }
    if (call->room - call->length < size) {
        call->is_cut = 1;
        return;
    }
    memcpy(call->text + call->length, text, size);
    call->length += size;
}

void record_put_number(record_call *call, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    record_put(call, digits + at, sizeof digits - at);
}

static void record_put_signed(record_call *call, int64_t value)
{
    if (value < 0) {
        record_put(call, "-", 1);
    }
    record_put_number(call, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void record_name(record_call *call, const char *name)
{
    record_put(call, ",\"", call->parts++ == 0 ? 0 : 1);
    record_put(call, "\"", 1);
    record_put(call, name, strlen(name));
    record_put(call, "\":", 2);
}

static int record_is_full(const record_call *call)
{
    return call->length + REST >= call->room;
}

void record_signed(record_call *call, const char *name, int64_t value)
{
    record_name(call, name);
    record_put_signed(call, value);
}

void record_unsigned(record_call *call, const char *name, uint64_t value)
{
    record_name(call, name);
    record_put_number(call, value);
}

void record_real(record_call *call, const char *name, double value)
{
    char shown[40];
    int size = snprintf(shown, sizeof shown, isfinite(value) ? "%.17g" : "\"%g\"", value);
    record_name(call, name);
    record_put(call, shown, size < 0 ? 0 : (size_t)size);
}

void record_pointer(record_call *call, const char *name, const void *value)
{
    char digits[2 * sizeof value];
    size_t at = sizeof digits;
    record_name(call, name);
    if (value == NULL) {
        record_put(call, "null", 4);
        return;
    }
    for (uintptr_t left = (uintptr_t)value; left != 0; left /= 16) {
        digits[--at] = "0123456789abcdef"[left % 16];
    }
    record_put(call, "\"0x", 3);
    record_put(call, digits + at, sizeof digits - at);
    record_put(call, "\"", 1);
}

static void record_put_character(record_call *call, unsigned char one)
{
    char escaped[6] = {
        '\\', 'u', '0', '0', "0123456789abcdef"[one / 16], "0123456789abcdef"[one % 16]};
    int plain = one >= 0x20 && one < 0x7f && one != '"' && one != '\\';
    record_put(call, plain ? (const char *)&one : escaped, plain ? 1 : sizeof escaped);
}

/* A text's bytes as one character each: what is no plain character is \u00xx. "=" stands before a
 * whole text; before one that was cut "~", its bytes (at most 65536 are counted) and ":". */
void record_text(record_call *call, const char *name, const char *value)
{
    record_name(call, name);
    if (value == NULL) {
        record_put(call, "null", 4);
        return;
    }
    if (call->text == NULL) {
        return;
    }
    size_t size = strnlen(value, 16 * CUT), kept = 0;
    size_t room = call->length + REST < call->room ? call->room - call->length - REST : 0;
    size_t limit = size < CUT ? size : CUT, taken = 0;
    while (kept < limit) {
        unsigned char one = (unsigned char)value[kept];
        taken += one >= 0x20 && one < 0x7f && one != '"' && one != '\\' ? 1 : 6;
        if (taken > room) {
            break;
        }
        kept++;
    }
    record_put(call, kept == size ? "\"=" : "\"~", 2);
    if (kept < size) {
        record_put_number(call, size);
        record_put(call, ":", 1);
    }
    for (size_t at = 0; at < kept; at++) {
        record_put_character(call, (unsigned char)value[at]);
    }
    record_put(call, "\"", 1);
}

/* Of a list that was cut the last element is "~" and how many there are. */
void record_list(record_call *call, const char *name, const int64_t *values, int64_t count)
{
    int64_t at = 0;
    record_name(call, name);
    if (values == NULL || count < 0) {
        record_put(call, values == NULL ? "null" : "[]", values == NULL ? 4 : 2);
        return;
    }
    record_put(call, "[", 1);
    for (; at < count && at < LIST && !record_is_full(call); at++) {
        record_put(call, ",", at == 0 ? 0 : 1);
        record_put_signed(call, values[at]);
    }
    if (at < count) {
        record_put(call, ",", at == 0 ? 0 : 1);
        record_put(call, "\"~", 2);
        record_put_signed(call, count);
        record_put(call, "\"", 1);
    }
    record_put(call, "]", 1);
}

static uint64_t record_digest(uint64_t digest, const unsigned char *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        digest = (digest ^ data[at]) * UINT64_C(1099511628211);
    }
    return digest;
}

void record_content(record_call *call, const char *name, const void *data, size_t size)
{
    uint64_t digest = UINT64_C(14695981039346656037);
    char shown[64];
    if (call->text == NULL || data == NULL) {
        record_pointer(call, name, data);
        return;
    }
    size_t first = size < EDGE ? size : EDGE;
    size_t last = size - first < EDGE ? size - first : EDGE;
    digest = record_digest(digest, data, first);
    digest = record_digest(digest, (const unsigned char *)data + size - last, last);
    int length =
        snprintf(shown, sizeof shown, "\"#%" PRIu64 ":%016" PRIx64 "\"", (uint64_t)size, digest);
    record_name(call, name);
    record_put(call, shown, length < 0 ? 0 : (size_t)length);
}
