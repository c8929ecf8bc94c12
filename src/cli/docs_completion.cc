#include <fmt/format.h>

#include <algorithm>

#include "cli/detail/docs_table.h"
#include "cli/docs.h"
#include "cli/help.h"

namespace strata::cli {
namespace {

// In single quotes of any of the three shells.
std::string quoted(std::string_view text, std::string_view quote_in_quotes = "'\\''") {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += quote_in_quotes;
    } else {
      out += c;
    }
  }
  return out + "'";
}

// Every path that a user can type for a command: its own and those made of aliases.
std::vector<std::string> spellings(const Command& command) {
  std::vector<std::string> paths;
  const std::string group(group_of(command.path));
  for (const std::string& word : words_of(command)) {
    paths.push_back(group.empty() ? word : group + " " + word);
  }
  return paths;
}

std::string case_labels(const Command& command) {
  std::string out;
  for (const std::string& path : spellings(command)) {
    out += (out.empty() ? "" : " | ") + quoted(path);
  }
  return out;
}

std::string_view name_of(OperandKind kind) {
  switch (kind) {
    case OperandKind::Image:
      return "image";
    case OperandKind::Container:
      return "container";
    case OperandKind::Object:
      return "object";
    case OperandKind::Directory:
      return "directory";
    case OperandKind::File:
      return "file";
    case OperandKind::Other:
      break;
  }
  return "";
}

/// A shell function whose one `case` maps a command path to a text.
class CaseFunction {
 public:
  explicit CaseFunction(std::string_view name)
      : text_(fmt::format("{}() {{\n  case \"$1\" in\n", name)) {}
  void add(std::string_view labels, std::string_view body) {
    if (!body.empty()) text_ += fmt::format("    {}) {} ;;\n", labels, body);
  }
  std::string finish() && { return text_ + "  esac\n}\n\n"; }

 private:
  std::string text_;
};

// --- tables for bash and zsh: what may follow which path -----------------------------------------

using RowText = std::string (*)(std::string_view word, std::string_view summary);

std::string word_only(std::string_view word, std::string_view) { return std::string(word); }

// What _describe of zsh takes: "word:summary".
std::string described(std::string_view word, std::string_view summary) {
  return fmt::format("{}:{}", word, summary);
}

std::string print_rows(const std::vector<std::string>& rows) {
  if (rows.empty()) return {};
  std::string out = "printf '%s\\n'";
  for (const std::string& row : rows) out += " " + quoted(row);
  return out;
}

std::string commands_body(const Program& program, std::string_view group, RowText text) {
  std::vector<std::string> rows;
  for (const Command* c : commands_below(program, group)) {
    for (const std::string& word : words_of(*c)) rows.push_back(text(word, c->summary));
  }
  return print_rows(rows);
}

std::string flags_body(const std::vector<FlagRow>& flags, RowText text, bool values_only) {
  std::vector<std::string> rows;
  for (const FlagRow& flag : flags) {
    if (values_only && !flag.value) continue;
    rows.push_back(text("--" + flag.name, flag.summary));
    if (flag.shorthand != 0) rows.push_back(text(fmt::format("-{}", flag.shorthand), flag.summary));
  }
  return print_rows(rows);
}

std::string tables(const Program& program, RowText text) {
  CaseFunction commands("_strata_commands");
  CaseFunction flags("_strata_flags");
  CaseFunction values("_strata_value_flags");
  CaseFunction operands("_strata_operand");
  commands.add("''", commands_body(program, "", text));
  flags.add("''", flags_body(global_flag_rows(), text, false));
  values.add("''", flags_body(global_flag_rows(), word_only, true));
  for (const Command* c : visible_commands(program)) {
    const std::string labels = case_labels(*c);
    commands.add(labels, commands_body(program, c->path, text));
    flags.add(labels, flags_body(flag_rows(*c), text, false));
    values.add(labels, flags_body(flag_rows(*c), word_only, true));
    const OperandHint hint = operand_hint(*c);
    if (hint.kind == OperandKind::Other) continue;
    const std::string_view kind = name_of(hint.kind);
    operands.add(labels, hint.repeats ? fmt::format("echo {}", kind)
                                      : fmt::format("[[ $2 -gt 0 ]] || echo {}", kind));
  }
  return std::move(commands).finish() + std::move(flags).finish() + std::move(values).finish() +
         std::move(operands).finish();
}

// Asks the program itself; whatever goes wrong, nothing is offered and nothing is said.
constexpr std::string_view kNames =
    R"sh(# _strata_names KIND [--root DIR]: names of images or containers in the store.
_strata_names() {
  local kind=$1
  shift
  if [[ $kind == image || $kind == object ]]; then
    strata "$@" images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>'
  fi
  if [[ $kind == container || $kind == object ]]; then
    strata "$@" ps --all --format '{{.Names}}' 2>/dev/null
  fi
}

)sh";

constexpr std::string_view kBash = R"sh(_strata() {
  local cur cword word i where='' pending='' count=0 names
  local -a words root=()
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n : cur words cword
  else
    cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
  fi
  COMPREPLY=()
  for ((i = 1; i < cword; i++)); do
    word=${words[i]}
    if [[ -n $pending ]]; then
      [[ $word == '=' ]] && continue
      [[ $pending == --root ]] && root=(--root "$word")
      pending=''
    elif [[ $word == -* ]]; then
      _strata_value_flags "$where" | grep -qxFe "$word" && pending=$word
    elif _strata_commands "$where" | grep -qxFe "$word"; then
      where=${where:+$where }$word
    else
      count=$((count + 1))
    fi
  done
  if [[ -n $pending ]]; then
    compopt -o default
    return
  fi
  if [[ $cur == -* ]]; then
    names=$(_strata_flags "$where")
  else
    names=$(_strata_commands "$where")
    [[ -n $names ]] || case $(_strata_operand "$where" "$count") in
      image) names=$(_strata_names image "${root[@]}") ;;
      container) names=$(_strata_names container "${root[@]}") ;;
      object) names=$(_strata_names object "${root[@]}") ;;
      directory) compopt -o dirnames ;;
      file) compopt -o default ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "$cur")
  if declare -F __ltrim_colon_completions >/dev/null; then
    __ltrim_colon_completions "$cur"
  fi
}
complete -F _strata strata
)sh";

constexpr std::string_view kZsh = R"sh(_strata() {
  local word i where='' pending='' count=0
  local -a root rows
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    if [[ -n $pending ]]; then
      [[ $pending == --root ]] && root=(--root "$word")
      pending=''
    elif [[ $word == --root=* ]]; then
      root=("$word")
    elif [[ $word == -* ]]; then
      _strata_value_flags "$where" | grep -qxFe "$word" && pending=$word
    elif _strata_commands "$where" | grep -qe "^$word:"; then
      where=${where:+$where }$word
    else
      count=$((count + 1))
    fi
  done
  if [[ -n $pending ]]; then
    _files
    return
  fi
  if [[ ${words[CURRENT]} == -* ]]; then
    rows=("${(@f)$(_strata_flags "$where")}")
    _describe -o option rows
    return
  fi
  if [[ -n $(_strata_commands "$where") ]]; then
    rows=("${(@f)$(_strata_commands "$where")}")
    _describe command rows
    return
  fi
  word=$(_strata_operand "$where" "$count")
  case $word in
    image | container | object)
      rows=("${(@f)$(_strata_names "$word" "${root[@]}")}")
      compadd -- "${rows[@]}"
      ;;
    directory) _directories ;;
    file) _files ;;
  esac
}
if [[ $funcstack[1] == _strata ]]; then
  _strata "$@"
else
  compdef _strata strata
fi
)sh";

// --- fish ----------------------------------------------------------------------------------------

constexpr std::string_view kFish =
    R"sh(function __strata_where --description 'The command words typed so far'
    set -l where
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if test -z "$where"; and contains -- $word --root --durability
            set skip 1
        else if not string match -q -- '-*' $word
            set -l longer (string trim -- "$where $word")
            contains -- "$longer" $__strata_paths; and set where $longer
        end
    end
    echo "$where"
end

function __strata_at
    test (__strata_where) = "$argv[1]"
end

function __strata_images
    strata images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | string match -v '*<none>*'
end

function __strata_containers
    strata ps --all --format '{{.Names}}' 2>/dev/null
end

complete -c strata -f
)sh";

std::string fish_quoted(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') escaped += '\\';
    escaped += c;
  }
  return quoted(escaped, "\\'");
}

std::string fish_line(std::string_view path, std::string_view rest, std::string_view summary) {
  return fmt::format("complete -c strata -n {} {} -d {}\n",
                     fish_quoted("__strata_at '" + std::string(path) + "'"), rest,
                     fish_quoted(summary));
}

std::string fish_flags(std::string_view path, const std::vector<FlagRow>& flags) {
  std::string out;
  for (const FlagRow& flag : flags) {
    std::string rest = "-l " + flag.name;
    if (flag.shorthand != 0) rest += fmt::format(" -s {}", flag.shorthand);
    if (flag.value) rest += " -r -F";
    out += fish_line(path, rest, flag.summary);
  }
  return out;
}

std::string fish_operands(std::string_view path, OperandKind kind) {
  switch (kind) {
    case OperandKind::Image:
      return fish_line(path, "-a '(__strata_images)'", "Image");
    case OperandKind::Container:
      return fish_line(path, "-a '(__strata_containers)'", "Container");
    case OperandKind::Object:
      return fish_line(path, "-a '(__strata_images; __strata_containers)'", "Image or container");
    case OperandKind::Directory:
    case OperandKind::File:
      return fish_line(path, "-F", "File");
    case OperandKind::Other:
      break;
  }
  return {};
}

}  // namespace

std::string bash_completion(const Program& program) {
  return "# Completion of strata for bash, made by: strata __docs completion bash\n\n" +
         tables(program, word_only) + std::string(kNames) + std::string(kBash);
}

std::string zsh_completion(const Program& program) {
  return "#compdef strata\n# Made by: strata __docs completion zsh\n\n" +
         tables(program, described) + std::string(kNames) + std::string(kZsh);
}

std::string fish_completion(const Program& program) {
  std::string out = "# Completion of strata for fish, made by: strata __docs completion fish\n\n";
  out += "set -g __strata_paths";
  for (const Command* c : visible_commands(program)) {
    for (const std::string& path : spellings(*c)) out += " " + fish_quoted(path);
  }
  out += "\n\n" + std::string(kFish) + fish_flags("", global_flag_rows());
  for (const Command* c : visible_commands(program)) {
    const std::string_view group = group_of(c->path);
    for (const std::string& word : words_of(*c)) out += fish_line(group, "-a " + word, c->summary);
    for (const std::string& path : spellings(*c)) {
      out += fish_flags(path, flag_rows(*c)) + fish_operands(path, operand_hint(*c).kind);
    }
  }
  return out;
}

}  // namespace strata::cli
