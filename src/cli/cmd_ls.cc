#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <ctime>

#include "base/io.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "engine/files.h"
#include "image/units.h"

namespace strata::cli {
namespace cmd_ls {
namespace {

struct Options {
  bool details = false;
  bool human = false;
};

void add_flags(FlagSet& f, Options& o) {
  f.add(o.details, "long", 'l', "Show type, mode, owner, size, time and link target");
  f.add(o.human, "human", 'H', "With -l: print sizes in human readable format");
}

char type_letter(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFCHR:
      return 'c';
    case S_IFBLK:
      return 'b';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    default:
      return '-';
  }
}

/// "drwxr-sr-t", as ls(1) writes it.
std::string mode_text(std::uint32_t mode) {
  std::string text(1, type_letter(mode));
  for (int shift = 6; shift >= 0; shift -= 3)
    for (int bit = 0; bit < 3; ++bit) text += (mode >> shift & (4u >> bit)) != 0 ? "rwx"[bit] : '-';
  auto special = [&](std::uint32_t bit, std::size_t at, char executable, char plain) {
    if ((mode & bit) != 0) text[at] = text[at] == 'x' ? executable : plain;
  };
  special(S_ISUID, 3, 's', 'S');
  special(S_ISGID, 6, 's', 'S');
  special(S_ISVTX, 9, 't', 'T');
  return text;
}

std::string size_text(const FileLine& line, bool human) {
  if (S_ISCHR(line.mode) || S_ISBLK(line.mode))
    return fmt::format("{}, {}", major(line.device), minor(line.device));
  return human ? human_size(line.size, 3) : std::to_string(line.size);
}

std::string time_text(Time time) {
  const std::time_t seconds = time.seconds;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

/// Names hold any byte; on the way to a terminal a control character would act.
std::string shown_name(std::string_view name) {
  std::string text;
  for (char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      text += c;
  return text;
}

std::string details(const std::vector<FileLine>& lines, bool human) {
  std::size_t owner_width = 0;
  std::size_t size_width = 0;
  std::vector<std::pair<std::string, std::string>> columns;
  for (const auto& line : lines) {
    columns.emplace_back(fmt::format("{}:{}", line.uid, line.gid), size_text(line, human));
    owner_width = std::max(owner_width, columns.back().first.size());
    size_width = std::max(size_width, columns.back().second.size());
  }
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& line = lines[i];
    text +=
        fmt::format("{} {:<{}} {:>{}} {} {}", mode_text(line.mode), columns[i].first, owner_width,
                    columns[i].second, size_width, time_text(line.mtime), shown_name(line.name));
    if (!line.link.empty()) text += " -> " + shown_name(line.link);
    text += '\n';
  }
  return text;
}

Result<int> list(Options& o, Call& call) {
  auto lines = list_files(engine_options(call), call.args[0],
                          call.args.size() > 1 ? call.args[1] : std::string("/"));
  if (!lines) return from_daemon(std::move(lines).error());
  std::string text;
  if (o.details) {
    text = details(*lines, o.human);
  } else {
    for (const auto& line : *lines) text += shown_name(line.name) + '\n';
  }
  std::fwrite(text.data(), 1, text.size(), call.out);
  return 0;
}

Result<int> cat(Call& call) {
  for (std::size_t i = 1; i < call.args.size(); ++i) {
    auto done = read_file(engine_options(call), call.args[0], call.args[i],
                          [](std::string_view bytes) { return write_all(1, bytes); });
    if (!done) return from_daemon(std::move(done).error());
  }
  return 0;
}

}  // namespace
}  // namespace cmd_ls

Command ls_command(std::string_view path) {
  return {.path = path,
          .operands = "[OPTIONS] IMAGE [PATH]",
          .summary = "List files of an image or a container",
          .description =
              "Lists a directory as a process in the image would see it, without running one. "
              "Links are followed inside the image only. PATH is / if it is not given; a container "
              "may be named as well.",
          .arity = between(1, 2),
          .make = action<cmd_ls::Options, cmd_ls::add_flags, cmd_ls::list>};
}

Command cat_command(std::string_view path) {
  return {.path = path,
          .operands = "IMAGE PATH [PATH...]",
          .summary = "Print files of an image or a container",
          .description =
              "Writes the bytes of regular files to standard output, without running anything. "
              "Links are followed inside the image only.",
          .arity = at_least(2),
          .make = action<cmd_ls::cat>};
}

}  // namespace strata::cli
