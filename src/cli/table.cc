#include "cli/table.h"

#include <algorithm>

#include "base/text.h"
#include "cli/go_text.h"
#include "image/json.h"

namespace strata::cli {
namespace {

constexpr std::string_view kTable = "table";

std::string_view trim_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// A shell hands over \t and \n as two characters each.
std::string expand_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    const std::string_view two = text.substr(i, 2);
    if (two == "\\t" || two == "\\n") {
      out += two == "\\t" ? '\t' : '\n';
      i++;
    } else {
      out += text[i];
    }
  }
  return out;
}

using Cells = std::vector<std::string_view>;

// A cell is ended by a tab: the text after a line's last tab is none.
bool has_cell(const std::vector<Cells>& lines, std::size_t line, std::size_t column) {
  return line < lines.size() && column + 1 < lines[line].size();
}

// What docker shows for `.Label "com.example.my-key"` in a heading: "my key".
Result<Json> label_heading(std::string_view name, const std::vector<Json>& args) {
  if (name != "Label" || args.size() != 1 || !args[0].is_string()) {
    return Error(ErrorCode::NotFound, "no such method");
  }
  std::string heading(split(args[0].as_string(), '.').back());
  std::replace(heading.begin(), heading.end(), '-', ' ');
  std::replace(heading.begin(), heading.end(), '_', ' ');
  return Json(std::move(heading));
}

std::string_view chosen_format(const TableSpec& spec, std::string_view format, bool quiet) {
  if (format.empty() || format == kTable) return quiet ? spec.quiet_format : spec.default_format;
  if (format == "raw" && !spec.raw_format.empty()) {
    return quiet ? spec.raw_quiet_format : spec.raw_format;
  }
  if (format == "json") return "{{json .}}";
  return format;
}

}  // namespace

std::string align_columns(std::string_view text, std::size_t min_width, std::size_t padding) {
  std::vector<Cells> lines;
  for (const std::string_view line : split(text, '\n')) lines.push_back(split(line, '\t'));
  std::string out;
  std::vector<std::size_t> widths;  // of the columns, in the runs that the current line belongs to
  for (std::size_t i = 0; i < lines.size(); i++) {
    const Cells& cells = lines[i];
    widths.resize(std::min(widths.size(), cells.size() - 1));
    for (std::size_t column = 0; has_cell(lines, i, column); column++) {
      if (column == widths.size()) {  // a run of lines begins here: look how wide it gets
        widths.push_back(min_width);
        for (std::size_t j = i; has_cell(lines, j, column); j++) {
          widths[column] = std::max(widths[column], rune_count(lines[j][column]) + padding);
        }
      }
      out += cells[column];
      out.append(widths[column] - rune_count(cells[column]), ' ');
    }
    out += cells.back();
    if (i + 1 < lines.size()) out += '\n';
  }
  return out;
}

Result<Table> Table::create(const TableSpec& spec, std::string_view format, bool quiet) {
  std::string_view text = chosen_format(spec, format, quiet);
  const bool heading = text.substr(0, kTable.size()) == kTable;
  if (heading) text.remove_prefix(kTable.size());
  auto parsed = GoTemplate::parse(expand_escapes(trim_blanks(text)));
  if (!parsed) return template_error(std::move(parsed).error());
  return Table(spec, heading, *std::move(parsed));
}

Result<void> Table::add(const Json& row, const Method& method) {
  TemplateOptions options;
  options.root_type = spec_.go_type;
  options.method = method;
  auto done = template_.execute(row, rows_, options);
  if (!done && !spec_.row_error.empty()) return std::move(done).context("{}", spec_.row_error);
  if (!done) return template_error(std::move(done).error());
  rows_ += '\n';
  return {};
}

Result<std::string> Table::finish() {
  if (!heading_) return std::move(rows_);
  Json headings = Json::object();
  for (const TableField& field : spec_.fields) {
    headings.set(std::string(field.name), Json(field.heading));
  }
  TemplateOptions options;
  options.heading = true;
  options.method = label_heading;
  std::string text;
  // docker shows as much of a heading as there is: functions of its fields may not suit them.
  static_cast<void>(template_.execute(headings, text, options));
  return align_columns(text + '\n' + rows_);
}

}  // namespace strata::cli
