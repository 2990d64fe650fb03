/*
 * fields: pairs of key and value as bytes, for a file or another process.
 *
 * Each pair is "<bytes of the key> <bytes of the value>\n", the key, the value.
 * Order counts, and a key may come more than once.
 */
#ifndef FAKE_GE_FIELDS_H
#define FAKE_GE_FIELDS_H

#include <string>
#include <utility>
#include <vector>

#include "visible.h"

namespace fake
{

using Fields = std::vector<std::pair<std::string, std::string>>;

VISIBLE std::string to_bytes(const Fields &fields);

/* Throws std::runtime_error where the bytes are no such pairs. */
VISIBLE Fields from_bytes(const std::string &bytes);

/* All bytes of a file; throws std::runtime_error. */
VISIBLE std::string read_file(const std::string &path);

/* Writes a file anew; throws std::runtime_error. */
VISIBLE void write_file(const std::string &path, const std::string &bytes);

}  // namespace fake

#endif
