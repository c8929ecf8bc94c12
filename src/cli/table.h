#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/go_template.h"

namespace strata::cli {

/// Aligns text as Go's text/tabwriter does with docker's settings (minimum width 10, padding 3
/// blanks): a column is a run of successive lines that have a cell there; the text after a line's
/// last tab belongs to no column. Widths are counted in code points. Of tabwriter's other control
/// characters (\v, \f) none is special here.
std::string align_columns(std::string_view text, std::size_t min_width = 10,
                          std::size_t padding = 3);

/// A field of a listing and its column heading: {"ID", "IMAGE ID"}.
struct TableField {
  std::string_view name;
  std::string_view heading;
};

/// What `--format` of one listing command can say.
struct TableSpec {
  std::string_view go_type;           // of a row, for docker's errors: "*formatter.imageContext"
  std::string_view default_format;    // "table {{.ID}}\t{{.Tag}}"
  std::string_view quiet_format;      // for -q: "{{.ID}}"
  std::string_view raw_format;        // what "raw" stands for; "" if docker has none
  std::string_view raw_quiet_format;  // for "raw" with -q: "image_id: {{.ID}}"
  std::span<const TableField> fields = {};
  /// Stands before errors of a row; empty: as for errors of the template itself.
  std::string_view row_error = "";
};

/// A listing in the making: `table TEMPLATE`, `table`, `json`, `raw` or a bare template. The Go
/// templates see each row as an object; its values are strings unless docker's are not. `json`
/// shows the members sorted by name.
class Table {
 public:
  /// `format` is what the user gave, "" for the default. With `quiet` the quiet
  /// formats stand for "", `table` and `raw`; any other format wins over -q. InvalidArgument as
  /// docker: "template parsing error: template: :1: unclosed action".
  static Result<Table> create(const TableSpec& spec, std::string_view format, bool quiet = false);

  /// Methods of a row with arguments: `.Label "name"`. Set before the rows that use them.
  using Method = std::function<Result<Json>(std::string_view name, const std::vector<Json>& args)>;
  /// Adds one row. A field that it lacks is an error, as in docker.
  Result<void> add(const Json& row, const Method& method = {});

  /// All of it, headings and alignment included, every line with its end. Once only.
  Result<std::string> finish();

 private:
  Table(const TableSpec& spec, bool heading, GoTemplate tmpl)
      : spec_(spec), heading_(heading), template_(std::move(tmpl)) {}
  TableSpec spec_;
  bool heading_;
  GoTemplate template_;
  std::string rows_;
};

}  // namespace strata::cli
