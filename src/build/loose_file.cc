#include "build/loose_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/random_id.h"
#include "build/tarsum.h"

namespace strata::build {

Result<std::unique_ptr<LooseFile>> make_heredoc_file(const Store& store, const std::string& name,
                                                     std::string_view body) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("here-document {}: its name cannot be that of a file", name));
  auto scratch = "heredoc-" + random_hex(8);
  TRY(store.note_work("strata/" + scratch));
  auto directory = TRY(TempDir::create_named(store.own_dir(), scratch));
  TRY(write_file(directory.fd(), name, body, 0644));
  timespec times[2] = {};  // 1970
  if (::utimensat(directory.fd(), name.c_str(), times, 0) < 0 ||
      ::fchmodat(directory.fd(), name.c_str(), 0644, 0) < 0)
    return Error::from_errno(errno, "set mode and time of " + name);
  auto tree = std::make_unique<SourceTree>(directory.fd(), dockerfile::IgnoreMatcher());
  auto file = make_source_file(name, TRY(stat_at(directory.fd(), name)));
  auto sum = TRY(Tarsums(*tree, SumOwner::Root).of(file));
  return std::make_unique<LooseFile>(LooseFile{std::move(directory),
                                               std::move(tree),
                                               {name, std::move(file), ""},
                                               std::move(sum),
                                               sha256(body),
                                               false});
}

Result<std::unique_ptr<LooseFile>> make_git_files(const Store& store, const GitSource& source,
                                                  const GitOptions& options,
                                                  const std::stop_token& stop) {
  auto checkout = TRY(fetch_git(store, source, options, stop));
  auto tree = std::make_unique<SourceTree>(checkout.root.get(), dockerfile::IgnoreMatcher());
  auto all = make_source_file("", TRY(stat_at(checkout.root.get(), ".")));
  auto sum = TRY(Tarsums(*tree, SumOwner::Root).of(all));
  return std::make_unique<LooseFile>(LooseFile{std::move(checkout.scratch),
                                               std::move(tree),
                                               {"", std::move(all), ""},
                                               std::move(sum),
                                               Digest(),
                                               true,
                                               std::move(checkout.root)});
}

}  // namespace strata::build
