// rooms: tar compress
#include <cstdint>
#include <string>
#include <vector>

#include "compress/gzip_writer.h"
#include "tar/split.h"

namespace {

using strata::tar::SplitEntry;

strata::ByteSink append_to(std::string& out) {
  return [&out](std::string_view piece) {
    out += piece;
    return strata::Result<void>();
  };
}

strata::Result<std::vector<SplitEntry>> read_all(std::string_view compressed) {
  strata::StringSource source(compressed);
  strata::tar::SplitReader reader(source);
  std::vector<SplitEntry> entries;
  while (auto entry = TRY(reader.next()))
    if (entry->kind == SplitEntry::Kind::File || !entry->bytes.empty())
      entries.push_back(*std::move(entry));
  return entries;
}

std::string write_all(const std::vector<SplitEntry>& entries) {
  std::string out;
  strata::tar::SplitWriter writer(append_to(out));
  for (const auto& e : entries) {
    bool ok = e.kind == SplitEntry::Kind::File ? writer.file(e.name, e.size, e.crc).has_value()
                                               : writer.segment(e.bytes).has_value();
    if (!ok) __builtin_trap();
  }
  if (!writer.finish()) __builtin_trap();
  return out;
}

}  // namespace

// Any JSON lines are refused, or survive being written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string compressed;
  strata::GzipWriter gzip(append_to(compressed));
  if (!gzip.write({reinterpret_cast<const char*>(data), size}) || !gzip.finish()) __builtin_trap();
  auto entries = read_all(compressed);
  if (!entries) return 0;
  auto again = read_all(write_all(*entries));
  if (!again || *again != *entries) __builtin_trap();
  return 0;
}
