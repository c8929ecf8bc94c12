#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "check/detail/checker.h"
#include "check/detail/contents_source.h"
#include "digest/hasher.h"
#include "store/layer_writer.h"

namespace strata::detail {
namespace {

Result<UniqueFd> nameless_file(const Store& store) {
  int dir = store.own_dir() >= 0 ? store.own_dir() : AT_FDCWD;
  return open_at(dir, store.own_dir() >= 0 ? "." : "/var/tmp", O_RDWR | O_TMPFILE, 0600);
}

Result<void> rewind(int file) {
  return ::lseek(file, 0, SEEK_SET) < 0 ? Error::from_errno(errno, "lseek") : Result<void>();
}

/// Copies the donor's tar of a layer, if it is that.
Result<void> copy_from(const Donor& donor, DiffID id, int out) {
  Hasher hasher;
  auto copied = donor.read(id, [&](ByteSource& tar) -> Result<void> {
    std::vector<char> buffer(std::size_t{256} << 10);
    while (auto n = TRY(tar.read(buffer))) {
      hasher.update(buffer.data(), n);
      TRY(write_all(out, {buffer.data(), n}));
    }
    return {};
  });
  TRY(std::move(copied));
  if (hasher.finish() == id.digest()) return {};
  return Error(ErrorCode::Corrupt, "it has not the digest that it should have");
}

}  // namespace

std::optional<Checker::Source> Checker::find_contents(const WantedLayer& layer) const {
  auto file = nameless_file(store_);
  if (!file) return std::nullopt;
  auto others = store_.layers().list();
  auto taken = others ? assemble_from_others(store_, info(layer), *others, file->get())
                      : Result<std::size_t>(std::move(others).error());
  if (taken)
    return Source{*std::move(file), *taken > 0 ? "unpacked again, with equal files of other layers"
                                               : "unpacked again from its own files"};
  if (!donor_has(layer.diff)) return std::nullopt;
  file = nameless_file(store_);
  if (!file || !copy_from(*request_.donor, layer.diff, file->get())) return std::nullopt;
  return Source{*std::move(file), "unpacked again from " + request_.donor->name()};
}

/// The new directory takes the old one's place in one step; the link stays, so nothing that stands
/// on the layer changes.
Result<void> Checker::replace_contents(const WantedLayer& layer, int tar) {
  TRY(rewind(tar));
  auto writer = TRY(LayerWriter::create(store_, LayerBase(), {}));
  FdSource source(tar);
  TRY(writer.add_tar(source));
  auto sealed = TRY(writer.seal());
  if (sealed.diff_id != layer.diff) return Error(ErrorCode::Corrupt, "it has another digest");
  int overlay = store_.caches().dir();
  auto fresh = writer.cache()->id() + "/diff";
  auto old = layer.cache_id + "/diff";
  if (::renameat2(overlay, fresh.c_str(), overlay, old.c_str(), RENAME_EXCHANGE) < 0)
    return Error::from_errno(errno, "exchange " + old);
  return quarantine("overlay2/" + fresh);
}

bool Checker::restore_layer(WantedLayer& layer, Finding& finding) {
  finding.remedy = "made again from " + request_.donor->name();
  bool is_there = mend(std::move(finding), [&] { return take_from_donor(layer); });
  if (is_there) return true;
  waiting_.insert(layer.chain);
  unreadable_.insert(layer.chain);
  if (request_.repair) lost_.insert(layer.chain);
  return false;
}

Result<void> Checker::take_from_donor(WantedLayer& layer) {
  auto taken = request_.donor->read(layer.diff, [&](ByteSource& tar) -> Result<void> {
    auto writer = TRY(LayerWriter::create(store_, LayerBase(), {}));
    TRY(writer.add_tar(tar));
    auto sealed = TRY(writer.seal());
    if (sealed.diff_id != layer.diff) return Error(ErrorCode::Corrupt, "it has another digest");
    TRY(lose(layer));  // what is left of it goes to quarantine
    layer.cache_id = TRY(writer.publish(layer.parent)).cache_id;
    return {};
  });
  if (taken) lost_.erase(layer.chain);
  return taken;
}

}  // namespace strata::detail
