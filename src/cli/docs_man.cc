#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/io.h"
#include "cli/detail/docs_table.h"
#include "cli/docs.h"
#include "cli/help.h"

namespace strata::cli {
namespace {

// Text that roff shall print as it stands.
std::string plain(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    line_start = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '\n') {
      out += "\n.br\n";
    } else {
      out += c;
    }
  }
  return out;
}

// As plain(), with hyphens that may be copied into a shell.
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : plain(text)) {
    if (c == '-') out += '\\';
    out += c;
  }
  return out;
}

// "[OPTIONS] PATH | -": what the user replaces in italics.
std::string operands(std::string_view usage) {
  std::string out;
  bool inside = false;
  for (const char c : literal(usage)) {
    const bool name = (c >= 'A' && c <= 'Z') || (inside && c == '_');
    if (name != inside) out += name ? "\\fI" : "\\fR";
    inside = name;
    out += c;
  }
  return inside ? out + "\\fR" : out;
}

std::string page_name(const Program& program, std::string_view path) {
  std::string name(program.name);
  if (!path.empty()) name += "-" + std::string(path);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string heading(const Program& program, std::string_view path, std::string_view summary) {
  const std::string name = page_name(program, path);
  std::string upper = name;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return fmt::format(".TH {} 1 \"\" \"{} {}\" \"{} manual\"\n.SH NAME\n{} \\- {}\n", literal(upper),
                     program.name, plain(program.version), program.name, literal(name),
                     plain(summary));
}

std::string options(const FlagSet& flags) {
  std::string out;
  for (const Flag* flag : flags.sorted()) {
    if (flag->is_hidden()) continue;
    out += ".TP\n";
    if (flag->shorthand() != 0) out += fmt::format("\\fB\\-{}\\fR, ", flag->shorthand());
    out += fmt::format("\\fB\\-\\-{}\\fR", literal(flag->name()));
    if (!flag->type().empty()) out += fmt::format(" \\fI{}\\fR", plain(flag->type()));
    out += "\n" + plain(flag->usage());
    if (!flag->default_text().empty()) {
      out += fmt::format(" (default {})", literal(flag->default_text()));
    }
    out += "\n";
  }
  return out;
}

// Paragraphs are parted by an empty line.
std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    std::string paragraph(text.substr(0, end));
    std::replace(paragraph.begin(), paragraph.end(), '\n', ' ');
    out += ".PP\n" + plain(paragraph) + "\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return out;
}

std::string command_list(const std::vector<const Command*>& commands) {
  std::string out;
  for (const Command* c : commands) {
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", literal(last_word(c->path)), plain(c->summary));
  }
  return out;
}

// The same command under its other paths: "images" is "image ls".
std::vector<const Command*> twins(const Program& program, const Command& command) {
  std::vector<const Command*> list = visible_commands(program);
  std::erase_if(list, [&](const Command* c) {
    return command.make == nullptr || c->make != command.make || c->path == command.path;
  });
  return list;
}

std::string description(const Program& program, const Command& command) {
  std::string out = ".SH DESCRIPTION\n";
  out += command.description.empty() ? plain(command.summary) + ".\n"
                                     : paragraphs(command.description);
  const std::vector<std::string> words = words_of(command);
  for (std::size_t i = 1; i < words.size(); i++) {
    const std::string_view group = group_of(command.path);
    out += fmt::format(".PP\nAlso called \\fB{} {}{}{}\\fR.\n", program.name, literal(group),
                       group.empty() ? "" : " ", literal(words[i]));
  }
  for (const Command* twin : twins(program, command)) {
    out += fmt::format(".PP\nThe same as \\fB{} {}\\fR.\n", program.name, literal(twin->path));
  }
  return out;
}

std::string exit_status(const Command& command) {
  return fmt::format(
             ".SH EXIT STATUS\n.TP\n0\nSuccess.\n.TP\n1\nThe command failed; one line on the "
             "standard error output says what, where and why.\n.TP\n{}\nThe options could not be "
             "understood.\n",
             command.usage_exit) +
         paragraphs(command.exit_status);
}

std::string files(const Program& program) {
  return fmt::format(
      ".SH ENVIRONMENT\n.TP\nSTRATA_ROOT\nDirectory of the store, if \\fB\\-\\-root\\fR does not "
      "say.\n.TP\nNO_COLOR\nIf not empty, output has no colours.\n"
      ".SH FILES\n.TP\n{}\nThe store: images, layers and containers, laid out as dockerd's own "
      "data\\-root with the overlay2 driver. What {} adds to it is below \\fIstrata/\\fR.\n",
      Globals().root, program.name);
}

std::string reference(std::string_view name) { return fmt::format("\\fB{}\\fR(1)", literal(name)); }

std::string see_also(const Program& program, const Command& command) {
  std::vector<std::string> names = {std::string(program.name)};
  const std::string_view group = group_of(command.path);
  if (!group.empty()) names.push_back(page_name(program, group));
  for (const Command* twin : twins(program, command)) {
    names.push_back(page_name(program, twin->path));
  }
  if (command.make == nullptr) {
    for (const Command* c : commands_below(program, command.path)) {
      names.push_back(page_name(program, c->path));
    }
  }
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ",\n") + reference(name);
  return ".SH SEE ALSO\n" + out + "\n";
}

}  // namespace

std::string man_page(const Program& program, const Command& command) {
  std::string out = heading(program, command.path, command.summary);
  out += fmt::format(".SH SYNOPSIS\n\\fB{} {}\\fR {}\n", program.name, literal(command.path),
                     operands(command.make == nullptr ? "COMMAND" : command.operands));
  out += description(program, command);
  if (command.make == nullptr) {
    out += ".SH COMMANDS\n" + command_list(commands_below(program, command.path));
  } else {
    FlagSet flags;
    const auto action = command.make();
    action->add_flags(flags);
    bool help = false;
    if (flags.find("help") == nullptr) flags.add(help, "help", 0, "Print usage");
    out += ".SH OPTIONS\n" + options(flags);
  }
  return out + exit_status(command) + files(program) + see_also(program, command);
}

std::string program_man_page(const Program& program) {
  FlagSet flags;
  Globals globals;
  add_global_flags(flags, globals);
  std::string out = heading(program, "", program.summary);
  out += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR\n", program.name);
  out += fmt::format(
      ".SH DESCRIPTION\n{0} builds images from Dockerfiles, shows what is in them and runs "
      "containers over them. Its commands and options are those of docker; there is no daemon: "
      "each command works on the store itself. A dockerd that is started on that store goes on "
      "where {0} stopped, and the other way round.\n",
      program.name);
  out += ".SH OPTIONS\nThey stand before the command.\n" + options(flags);
  out += ".SH COMMANDS\n" + command_list(commands_below(program, ""));
  out += exit_status(Command()) + files(program) + ".SH SEE ALSO\n";
  std::string names;
  for (const Command* c : commands_below(program, "")) {
    names += (names.empty() ? "" : ",\n") + reference(page_name(program, c->path));
  }
  return out + names + "\n";
}

Result<void> write_man_pages(const Program& program, const std::string& dir) {
  TRY(make_dirs(AT_FDCWD, dir, 0755));
  const UniqueFd fd = TRY(open_dir(AT_FDCWD, dir));
  const auto write = [&](std::string_view path, const std::string& page) {
    return write_file(fd.get(), page_name(program, path) + ".1", page, 0644);
  };
  TRY(write("", program_man_page(program)));
  for (const Command* c : visible_commands(program)) TRY(write(c->path, man_page(program, *c)));
  return {};
}

}  // namespace strata::cli
