#include "build/step_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"

namespace strata::build {
namespace {

constexpr const char* kStepsDirectory = "steps";
constexpr std::string_view kFormat = "strata step 1";  // to be changed with the meaning of a key
constexpr std::string_view kUnchanged = "unchanged";

}  // namespace

std::string StepCache::key(std::string_view material, const std::optional<ChainID>& parent) const {
  std::string text(kFormat);
  text.append("\n").append(parent ? parent->str() : "scratch").append("\n").append(material);
  if (epoch_) text += fmt::format("\nepoch {}", epoch_->seconds);
  return sha256(text).hex();
}

std::string StepCache::material(const std::vector<std::string>& inputs) {
  std::string text;
  for (const auto& input : inputs) text += fmt::format("{}:", input.size()) + input;
  return text;
}

Result<std::optional<StepCache::Hit>> StepCache::find(std::string_view material,
                                                      const std::optional<ChainID>& parent) const {
  std::string path = std::string(kStepsDirectory) + '/' + key(material, parent);
  auto text = read_file(store_.own_dir(), path, 256);
  if (!text) return std::optional<Hit>();
  Hit hit;
  if (*text != kUnchanged) {
    auto diff_id = Digest::parse(*text);
    if (!diff_id) return std::optional<Hit>();
    auto chain = chain_id(parent, DiffID(*diff_id));
    TRY(store_.hold(chain));
    auto layer = store_.layers().get(chain);
    if (!layer) return std::optional<Hit>();  // removed since
    hit.layer = *std::move(layer);
  }
  (void)::utimensat(store_.own_dir(), path.c_str(), nullptr, 0);
  return std::optional(std::move(hit));
}

bool StepCache::knows(std::string_view material, const std::optional<ChainID>& parent) const {
  return stat_at(store_.own_dir(), std::string(kStepsDirectory) + '/' + key(material, parent))
      .has_value();
}

void StepCache::put(std::string_view material, const std::optional<ChainID>& parent,
                    const std::optional<DiffID>& diff_id) const {
  if (!make_dirs(store_.own_dir(), kStepsDirectory, 0700)) return;
  auto dir = open_dir(store_.own_dir(), kStepsDirectory);
  if (!dir) return;
  (void)write_file_atomic(dir->get(), key(material, parent),
                          diff_id ? diff_id->str() : std::string(kUnchanged), 0600);
}

}  // namespace strata::build
