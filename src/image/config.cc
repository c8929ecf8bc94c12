#include "image/config.h"

#include <algorithm>
#include <span>

#include "image/detail/json_key.h"

namespace strata {
namespace {

// What one type looks like in JSON: encode, decode into an existing value as Go does (null changes
// scalars and structs not at all and empties lists and maps; a second object is merged into the
// first), and whether `omitempty` leaves it out.

Error wrong_type(const char* wanted) {
  return Error(ErrorCode::Corrupt, std::string("not ") + wanted);
}

// One key of an object and the member of S behind it.
template <class S>
struct Field {
  std::string_view key;
  void (*encode)(const S&, Json::Object&, std::string_view key);
  Result<void> (*decode)(const Json&, S&);
};

template <class S>
Json encode_fields(std::span<const Field<S>> fields, const S& s) {
  Json::Object out;
  out.reserve(fields.size());
  for (const auto& f : fields) f.encode(s, out, f.key);
  return out;
}

template <class S>
const Field<S>* find_field(std::span<const Field<S>> fields, std::string_view key) {
  auto f = std::find_if(fields.begin(), fields.end(), [&](auto& c) { return c.key == key; });
  if (f == fields.end())
    f = std::find_if(fields.begin(), fields.end(),
                     [&](auto& c) { return equal_json_key(c.key, key); });
  return f != fields.end() ? &*f : nullptr;
}

template <class S>
Result<void> decode_fields(std::span<const Field<S>> fields, const Json& json, S& s) {
  if (json.is_null()) return {};
  if (!json.is_object()) return wrong_type("an object");
  for (const auto& [key, value] : json.as_object())
    if (const Field<S>* f = find_field(fields, key)) TRY(f->decode(value, s).context("{}", f->key));
  return {};
}

Json encode(const std::string& v) { return v; }
Json encode(bool v) { return v; }
Json encode(std::int64_t v) { return v; }
Json encode(const Time& v) { return v.str(); }
Json encode(const DiffID& v) { return v.str(); }
Json encode(const HealthConfig& v);
Json encode(const RunConfig& v);
Json encode(const HistoryEntry& v);

template <class T>
Json encode(const std::vector<T>& list) {
  Json::Array out;
  out.reserve(list.size());
  for (const T& v : list) out.push_back(encode(v));
  return out;
}

// A Go map[string]struct{}.
Json encode(const std::set<std::string>& set) {
  Json::Object out;
  for (const auto& key : set) out.emplace_back(key, Json::object());
  return out;
}

Json encode(const std::map<std::string, std::string>& map) {
  return Json::Object(map.begin(), map.end());
}

template <class T>
Json encode(const std::optional<T>& v) {
  return v ? encode(*v) : Json();
}

Result<void> decode(const Json& json, std::string& out) {
  if (json.is_null()) return {};
  if (!json.is_string()) return wrong_type("a string");
  out = json.as_string();
  return {};
}

Result<void> decode(const Json& json, bool& out) {
  if (json.is_null()) return {};
  if (!json.is_bool()) return wrong_type("a boolean");
  out = json.as_bool();
  return {};
}

Result<void> decode(const Json& json, std::int64_t& out) {
  if (json.is_null()) return {};
  if (!json.is_int()) return wrong_type("an integer");
  out = json.as_int();
  return {};
}

Result<void> decode(const Json& json, Time& out) {
  if (json.is_null()) return {};
  auto time = Time::parse(json.as_string());
  if (!json.is_string() || !time) return wrong_type("an RFC 3339 time");
  out = *time;
  return {};
}

Result<void> decode(const Json& json, DiffID& out) {
  auto digest = Digest::parse(json.as_string());
  if (!digest) return wrong_type("a sha256 digest");
  out = DiffID(*digest);
  return {};
}

Result<void> decode(const Json& json, HealthConfig& out);
Result<void> decode(const Json& json, RunConfig& out);
Result<void> decode(const Json& json, HistoryEntry& out);

template <class T>
Result<void> decode(const Json& json, std::vector<T>& out) {
  out.clear();
  if (json.is_null()) return {};
  if (!json.is_array()) return wrong_type("an array");
  out.reserve(json.size());
  for (const Json& v : json.as_array())
    TRY(decode(v, out.emplace_back()).context("element {}", out.size() - 1));
  return {};
}

Result<void> decode(const Json& json, std::set<std::string>& out) {
  if (!json.is_object()) return wrong_type("an object");
  for (const auto& [key, value] : json.as_object()) {
    if (!value.is_object() && !value.is_null()) return wrong_type("an object of empty objects");
    out.insert(key);
  }
  return {};
}

Result<void> decode(const Json& json, std::map<std::string, std::string>& out) {
  if (!json.is_object()) return wrong_type("an object");
  for (const auto& [key, value] : json.as_object()) {
    std::string text;
    TRY(decode(value, text).context("{}", key));
    out[key] = std::move(text);
  }
  return {};
}

template <class T>
Result<void> decode(const Json& json, std::optional<T>& out) {
  if (json.is_null()) {
    out.reset();
    return {};
  }
  if (!out) out.emplace();
  return decode(json, *out);
}

bool is_empty(bool v) { return !v; }
bool is_empty(std::int64_t v) { return v == 0; }
template <class T>
bool is_empty(const std::optional<T>& v) {
  return !v;
}
template <class T>
bool is_empty(const T& v) {
  return v.empty();
}

template <class>
struct MemberOf;
template <class S, class T>
struct MemberOf<T S::*> {
  using Struct = S;
};
template <auto kMember>
using StructOf = typename MemberOf<decltype(kMember)>::Struct;

template <auto kMember>
constexpr Field<StructOf<kMember>> always(std::string_view key) {
  using S = StructOf<kMember>;
  return {key,
          [](const S& s, Json::Object& out, std::string_view k) {
            out.emplace_back(k, encode(s.*kMember));
          },
          [](const Json& json, S& s) { return decode(json, s.*kMember); }};
}

template <auto kMember>
constexpr Field<StructOf<kMember>> omit_empty(std::string_view key) {
  using S = StructOf<kMember>;
  return {key,
          [](const S& s, Json::Object& out, std::string_view k) {
            if (!is_empty(s.*kMember)) out.emplace_back(k, encode(s.*kMember));
          },
          [](const Json& json, S& s) { return decode(json, s.*kMember); }};
}

// Cmd and Entrypoint were plain strings in old configs; docker still reads that.
template <auto kMember>
constexpr Field<RunConfig> string_or_list(std::string_view key) {
  Field<RunConfig> f = always<kMember>(key);
  f.decode = [](const Json& json, RunConfig& c) -> Result<void> {
    if (!json.is_string()) return decode(json, c.*kMember);
    c.*kMember = std::vector{json.as_string()};
    return {};
  };
  return f;
}

using H = HealthConfig;
constexpr Field<H> kHealthFields[] = {
    omit_empty<&H::test>("Test"),
    omit_empty<&H::interval_ns>("Interval"),
    omit_empty<&H::timeout_ns>("Timeout"),
    omit_empty<&H::start_period_ns>("StartPeriod"),
    omit_empty<&H::start_interval_ns>("StartInterval"),
    omit_empty<&H::retries>("Retries"),
};

using R = RunConfig;
constexpr Field<R> kRunFields[] = {
    always<&R::hostname>("Hostname"),
    always<&R::domainname>("Domainname"),
    always<&R::user>("User"),
    always<&R::attach_stdin>("AttachStdin"),
    always<&R::attach_stdout>("AttachStdout"),
    always<&R::attach_stderr>("AttachStderr"),
    omit_empty<&R::exposed_ports>("ExposedPorts"),
    always<&R::tty>("Tty"),
    always<&R::open_stdin>("OpenStdin"),
    always<&R::stdin_once>("StdinOnce"),
    always<&R::env>("Env"),
    string_or_list<&R::cmd>("Cmd"),
    omit_empty<&R::healthcheck>("Healthcheck"),
    omit_empty<&R::args_escaped>("ArgsEscaped"),
    always<&R::image>("Image"),
    always<&R::volumes>("Volumes"),
    always<&R::working_dir>("WorkingDir"),
    string_or_list<&R::entrypoint>("Entrypoint"),
    omit_empty<&R::network_disabled>("NetworkDisabled"),
    omit_empty<&R::mac_address>("MacAddress"),
    always<&R::on_build>("OnBuild"),
    always<&R::labels>("Labels"),
    omit_empty<&R::stop_signal>("StopSignal"),
    omit_empty<&R::stop_timeout>("StopTimeout"),
    omit_empty<&R::shell>("Shell"),
};

constexpr Field<HistoryEntry> kHistoryFields[] = {
    always<&HistoryEntry::created>("created"),
    omit_empty<&HistoryEntry::author>("author"),
    omit_empty<&HistoryEntry::created_by>("created_by"),
    omit_empty<&HistoryEntry::comment>("comment"),
    omit_empty<&HistoryEntry::empty_layer>("empty_layer"),
};

Json encode(const HealthConfig& v) { return encode_fields<H>(kHealthFields, v); }
Json encode(const RunConfig& v) { return encode_fields<R>(kRunFields, v); }
Json encode(const HistoryEntry& v) { return encode_fields<HistoryEntry>(kHistoryFields, v); }

Result<void> decode(const Json& json, HealthConfig& out) {
  return decode_fields<H>(kHealthFields, json, out);
}
Result<void> decode(const Json& json, RunConfig& out) {
  return decode_fields<R>(kRunFields, json, out);
}
Result<void> decode(const Json& json, HistoryEntry& out) {
  return decode_fields<HistoryEntry>(kHistoryFields, json, out);
}

// `type` is written for readers that ask for it; like dockerd we do not.
constexpr Field<ImageConfig> kRootfs = {
    "rootfs",
    [](const ImageConfig& c, Json::Object& out, std::string_view key) {
      Json::Object rootfs{{"type", "layers"}};
      if (!c.diff_ids.empty()) rootfs.emplace_back("diff_ids", encode(c.diff_ids));
      out.emplace_back(key, std::move(rootfs));
    },
    [](const Json& json, ImageConfig& c) -> Result<void> {
      static constexpr Field<ImageConfig> kFields[] = {
          omit_empty<&ImageConfig::diff_ids>("diff_ids")};
      return decode_fields<ImageConfig>(kFields, json, c);
    }};

using I = ImageConfig;
constexpr Field<I> kImageFields[] = {
    // Sorted, because dockerd writes this object through a map.
    omit_empty<&I::architecture>("architecture"),
    omit_empty<&I::author>("author"),
    omit_empty<&I::comment>("comment"),
    always<&I::config>("config"),
    omit_empty<&I::container>("container"),
    omit_empty<&I::container_config>("container_config"),
    always<&I::created>("created"),
    omit_empty<&I::docker_version>("docker_version"),
    omit_empty<&I::history>("history"),
    omit_empty<&I::os>("os"),
    omit_empty<&I::os_features>("os.features"),
    omit_empty<&I::os_version>("os.version"),
    kRootfs,
    omit_empty<&I::variant>("variant"),
};

// The last `rootfs` in the document, compared as the decoder does; null takes it back in Go.
bool has_rootfs(const Json& json) {
  const auto& members = json.as_object();
  const auto m = std::find_if(members.rbegin(), members.rend(), [](const Json::Member& c) {
    return equal_json_key(c.first, "rootfs");
  });
  return m != members.rend() && !m->second.is_null();
}

Error bad_config(const std::string& why) {
  return Error(ErrorCode::Corrupt, "image config: " + why);
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view bytes) {
  const Json json = TRY(Json::parse(bytes).context("image config"));
  ImageConfig config;
  config.container_config.reset();
  TRY(decode_fields<I>(kImageFields, json, config).context("image config"));
  if (!has_rootfs(json)) return bad_config("no rootfs key");
  const auto layers = std::count_if(config.history.begin(), config.history.end(),
                                    [](const HistoryEntry& h) { return !h.empty_layer; });
  if (static_cast<std::size_t>(layers) > config.diff_ids.size())
    return bad_config("too many non-empty layers in History section");
  return config;
}

std::string encode_image_config(const ImageConfig& config) {
  return encode_fields<I>(kImageFields, config).dump();
}

Json run_config_json(const RunConfig& config) { return encode(config); }

Result<RunConfig> run_config_from_json(const Json& json) {
  RunConfig config;
  TRY(decode(json, config).context("container config"));
  return config;
}

std::vector<ChainID> chain_ids(const std::vector<DiffID>& diff_ids) {
  std::vector<ChainID> chain;
  chain.reserve(diff_ids.size());
  for (const DiffID& diff : diff_ids)
    chain.push_back(chain.empty() ? chain_id(diff) : chain_id(chain.back(), diff));
  return chain;
}

}  // namespace strata
