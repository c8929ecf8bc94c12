#include "dockerfile/mount.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <vector>

#include "dockerfile/detail/text.h"

namespace strata::dockerfile {
namespace {

using detail::invalid;
using detail::quote;
using detail::to_lower;

/// The fields of one CSV line (RFC 4180): a quoted one may hold commas, and "" for a quote.
Result<std::vector<std::string>> csv_fields(std::string_view text) {
  std::vector<std::string> fields(1);
  for (std::size_t i = 0; i < text.size(); i++) {
    std::string& field = fields.back();
    if (text[i] == ',') {
      fields.emplace_back();
    } else if (text[i] == '"' && field.empty()) {
      for (i++;; i++) {
        if (i == text.size()) return invalid("--mount: a quote is not closed in " + quote(text));
        if (text[i] != '"')
          field += text[i];
        else if (i + 1 < text.size() && text[i + 1] == '"')
          field += text[i++];
        else
          break;
      }
    } else {
      field += text[i];
    }
  }
  return fields;
}

struct Field {
  std::string key;  // lower case
  std::optional<std::string> value;
  std::string text;
};

Field split_field(const std::string& text) {
  auto equals = text.find('=');
  Field field{to_lower(text.substr(0, equals)), std::nullopt, text};
  if (equals != std::string::npos) field.value = text.substr(equals + 1);
  return field;
}

Result<bool> parse_bool(const Field& f) {
  if (!f.value) return true;
  auto value = to_lower(*f.value);
  if (value == "1" || value == "t" || value == "true") return true;
  if (value == "0" || value == "f" || value == "false") return false;
  return invalid(fmt::format("invalid value for {}: {}", f.key, *f.value));
}

Result<std::uint32_t> parse_number(const Field& f, int base) {
  const std::string& text = *f.value;
  std::uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size())
    return invalid(fmt::format("invalid value {} for {}", text, f.key));
  return number;
}

Result<std::int64_t> parse_size(const Field& f) {
  std::string_view text = *f.value;
  auto unit = text.find_first_not_of("0123456789.");
  std::int64_t number = 0;
  auto digits = text.substr(0, unit);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  std::string suffix = unit == std::string_view::npos ? "" : to_lower(text.substr(unit));
  if (suffix.ends_with("ib"))
    suffix.resize(suffix.size() - 2);
  else if (suffix.ends_with('b'))
    suffix.pop_back();
  auto power = std::string_view("bkmgt").find(suffix.empty() ? 'b' : suffix[0]);
  if (error != std::errc() || end != digits.data() + digits.size() || suffix.size() > 1 ||
      power == std::string_view::npos ||
      number > std::numeric_limits<std::int64_t>::max() >> (10 * power))
    return invalid(fmt::format("invalid value for {}: {}", f.key, text));
  return number << (10 * power);
}

Result<Mount::Type> parse_type(const std::string& text) {
  std::string name = to_lower(text);
  if (name == "bind") return Mount::Type::Bind;
  if (name == "cache") return Mount::Type::Cache;
  if (name == "tmpfs") return Mount::Type::Tmpfs;
  if (name == "secret") return Mount::Type::Secret;
  if (name == "ssh") return Mount::Type::Ssh;
  return invalid("unsupported mount type " + quote(text));
}

Result<Mount::Sharing> parse_sharing(const std::string& text) {
  std::string name = to_lower(text);
  if (name == "shared") return Mount::Sharing::Shared;
  if (name == "private") return Mount::Sharing::Private;
  if (name == "locked") return Mount::Sharing::Locked;
  return invalid("unsupported sharing value " + quote(text));
}

const char* type_name(Mount::Type type) {
  constexpr const char* kNames[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
  return kNames[static_cast<std::size_t>(type)];
}

/// A mount while its fields are read: what was said, beside what it means.
struct Draft {
  Mount mount;
  std::optional<bool> read_only;
  bool has_sharing = false;
  bool has_owner_or_mode = false;
};

Result<void> set_flag(Draft& d, const Field& f, bool& known) {
  Mount& m = d.mount;
  known = true;
  if (f.key == "readonly" || f.key == "ro") {
    d.read_only = TRY(parse_bool(f));
  } else if (f.key == "readwrite" || f.key == "rw") {
    d.read_only = !TRY(parse_bool(f));
  } else if (f.key == "required") {
    if (m.type != Mount::Type::Secret && m.type != Mount::Type::Ssh)
      return invalid(
          fmt::format("unexpected key '{}' for mount type '{}'", f.key, type_name(m.type)));
    m.required = TRY(parse_bool(f));
  } else {
    known = false;
  }
  return {};
}

Result<void> set_value(Draft& d, const Field& f) {
  Mount& m = d.mount;
  const std::string& value = *f.value;
  if (f.key == "from") {
    m.from = value;
  } else if (f.key == "source" || f.key == "src") {
    m.source = value;
  } else if (f.key == "target" || f.key == "dst" || f.key == "destination") {
    m.target = value;
  } else if (f.key == "id") {
    m.id = value;
  } else if (f.key == "sharing") {
    m.sharing = TRY(parse_sharing(value));
    d.has_sharing = true;
  } else if (f.key == "size" && m.type == Mount::Type::Tmpfs) {
    m.size = TRY(parse_size(f));
  } else if (f.key == "env" && m.type == Mount::Type::Secret) {
    m.env = value;
  } else if (f.key == "mode") {
    m.mode = static_cast<mode_t>(TRY(parse_number(f, 8)));
    d.has_owner_or_mode = true;
  } else if (f.key == "uid") {
    m.uid = TRY(parse_number(f, 10));
    d.has_owner_or_mode = true;
  } else if (f.key == "gid") {
    m.gid = TRY(parse_number(f, 10));
    d.has_owner_or_mode = true;
  } else {
    return invalid(fmt::format("unexpected key '{}' in '{}'", f.key, f.text));
  }
  return {};
}

std::string last_name(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

Result<void> check_secret(const Draft& d) {
  const Mount& m = d.mount;
  if (!m.from.empty()) return invalid("secret mount should not have a from");
  if (d.has_sharing) return invalid("secret mount should not define sharing");
  if (m.source.empty() && m.target.empty() && m.id.empty())
    return invalid("invalid secret mount. one of source, target required");
  if (!m.source.empty() && !m.id.empty()) return invalid("both source and id can't be set");
  return {};
}

Result<Mount> finish(Draft d) {
  Mount& m = d.mount;
  bool cache = m.type == Mount::Type::Cache;
  bool secret = m.type == Mount::Type::Secret;
  bool ssh = m.type == Mount::Type::Ssh;
  if (d.has_owner_or_mode && !cache && !secret && !ssh)
    return invalid(
        fmt::format("mode, uid and gid not allowed for {} type mounts", quote(type_name(m.type))));
  if (d.has_sharing && !cache && !secret)
    return invalid(fmt::format("invalid cache sharing set for {} mount", type_name(m.type)));
  if (secret) TRY(check_secret(d));
  if (!secret && !ssh && m.target.find_first_not_of("/.") == std::string::npos && m.target != "." &&
      m.target != "..")
    return invalid("invalid mount target " + quote(m.target.empty() ? "/" : m.target));
  m.read_only = d.read_only.value_or(m.type == Mount::Type::Bind);
  if (secret && m.id.empty()) m.id = m.source.empty() ? last_name(m.target) : last_name(m.source);
  if (ssh && m.id.empty()) m.id = "default";
  return std::move(d.mount);
}

}  // namespace

Result<Mount> parse_mount(std::string_view text, char escape, const Lookup& lookup) {
  std::vector<Field> fields;
  for (const auto& field : TRY(csv_fields(text))) fields.push_back(split_field(field));
  Draft draft;
  for (auto& f : fields) {
    if (!f.value) continue;
    if (f.key == "from") {
      if (f.value->find('$') != std::string::npos)
        return invalid("'from' doesn't support variable expansion, define alias stage instead");
    } else {
      f.value = TRY(expand_word(*f.value, escape, lookup));
    }
    if (f.key == "type") draft.mount.type = TRY(parse_type(*f.value));
  }
  for (const auto& f : fields) {
    bool known = f.key == "type" && f.value;
    if (!known) TRY(set_flag(draft, f, known));
    if (known) continue;
    if (!f.value)
      return invalid(fmt::format("invalid field '{}' must be a key=value pair", f.text));
    TRY(set_value(draft, f));
  }
  return finish(std::move(draft));
}

std::string mount_from(std::string_view text) {
  auto fields = csv_fields(text);
  if (!fields) return "";
  for (const auto& text_of_field : *fields)
    if (auto f = split_field(text_of_field); f.key == "from" && f.value) return *f.value;
  return "";
}

}  // namespace strata::dockerfile
