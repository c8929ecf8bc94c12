// rooms: base container store
//
// The JSON that a store holds beside images, which whoever had it before may have written. The
// first byte chooses: a container's record (config.v2.json, behind a line "--" hostconfig.json),
// its log, or repositories.json.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/io.h"
#include "container/json_log.h"
#include "container/record.h"
#include "store/references.h"

namespace {

void read_record(std::string_view text) {
  auto cut = std::min(text.find("\n--\n"), text.size());
  auto rest = text.substr(std::min(cut + 4, text.size()));
  auto record = strata::decode_container(text.substr(0, cut), rest);
  if (!record && record.error().message().empty()) std::abort();
}

/// No more records than lines, and then an end.
void read_log(std::string_view text) {
  strata::UniqueFd log(::memfd_create("log", MFD_CLOEXEC));
  if (!log || !strata::write_all(log.get(), text)) std::abort();
  ::lseek(log.get(), 0, SEEK_SET);
  auto lines = std::count(text.begin(), text.end(), '\n');
  strata::JsonLogReader reader(std::move(log));
  while (true) {
    auto record = reader.next();
    if (!record || !*record) return;
    if (lines-- == 0) std::abort();
  }
}

void read_tags(std::string_view text) {
  auto tags = strata::parse_repositories(text);
  if (!tags) return;
  for (const auto& [image, names] : strata::references_by_image(*tags)) {
    if (names.empty()) std::abort();
    (void)strata::references_of(*tags, image);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'c') read_record(text);
  if (data[0] == 'l') read_log(text);
  if (data[0] == 'r') read_tags(text);
  return 0;
}
