#include "store/detail/layer_fields.h"

#include <charconv>

#include "base/io.h"

namespace strata::detail {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Error damaged(std::string_view field) {
  return Error(ErrorCode::Corrupt, fmt::format("{} is damaged", field));
}

Result<std::string> read_field(int dir, const std::string& file) {
  auto text = read_small(dir, file);
  if (!text && text.error().code() == ErrorCode::NotFound)
    return Error(ErrorCode::Corrupt, file + " is missing");
  return text;
}

Result<Digest> read_digest(int dir, const std::string& file) {
  auto digest = Digest::parse(trim(TRY(read_field(dir, file))));
  if (!digest) return damaged(file);
  return digest;
}

Result<std::optional<ChainID>> read_parent(int dir, const std::string& file) {
  auto text = read_small(dir, file);
  if (!text) {
    if (text.error().code() == ErrorCode::NotFound) return std::optional<ChainID>();
    return std::move(text).error();
  }
  auto digest = Digest::parse(trim(*text));
  if (!digest) return damaged(file);
  return std::optional(ChainID(*digest));
}

Result<std::int64_t> read_size(int dir, const std::string& file) {
  auto text = TRY(read_field(dir, file));
  std::int64_t size = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < 0) return damaged(file);
  return size;
}

}  // namespace strata::detail
