#include "fields.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fake {

namespace {

const char *const kDamaged = "these are no fields";

/* The number that ends before a character, which is stepped over too. */
size_t number(const std::string &bytes, size_t *at, char end) {
  size_t value = 0;
  size_t digits = 0;

  for (; *at < bytes.size() && bytes[*at] != end; ++*at, ++digits) {
    if (bytes[*at] < '0' || bytes[*at] > '9' || digits > 15) throw std::runtime_error(kDamaged);
    value = value * 10 + static_cast<size_t>(bytes[*at] - '0');
  }
  if (*at == bytes.size() || digits == 0) throw std::runtime_error(kDamaged);
  ++*at;
  return value;
}

std::string piece(const std::string &bytes, size_t *at, size_t length) {
  if (length > bytes.size() - *at) throw std::runtime_error(kDamaged);
  *at += length;
  return bytes.substr(*at - length, length);
}

}  // namespace

std::string to_bytes(const Fields &fields) {
  std::string bytes;

  for (const auto &[key, value] : fields) {
    bytes += std::to_string(key.size()) + ' ' + std::to_string(value.size()) + '\n';
    bytes += key;
    bytes += value;
  }
  return bytes;
}

Fields from_bytes(const std::string &bytes) {
  Fields fields;

  for (size_t at = 0; at < bytes.size();) {
    const size_t key_length = number(bytes, &at, ' ');
    const size_t value_length = number(bytes, &at, '\n');
    std::string key = piece(bytes, &at, key_length);
    fields.emplace_back(std::move(key), piece(bytes, &at, value_length));
  }
  return fields;
}

std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);

  if (!file) throw std::runtime_error(path + " cannot be read: " + std::strerror(errno));
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) throw std::runtime_error(path + " cannot be read");
  return bytes;
}

void write_file(const std::string &path, const std::string &bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);

  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error(path + " cannot be written: " + std::strerror(errno));
}

}  // namespace fake
