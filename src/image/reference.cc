#include "image/reference.h"

#include <algorithm>

#include "base/text.h"

namespace strata {
namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kLegacyDomain = "index.docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr std::size_t kMaxName = 255;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter_or_digit(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }
bool is_lower_or_digit(char c) { return is_digit(c) || is_lower(c); }
template <class Predicate>
bool all(std::string_view s, Predicate p) {
  return std::all_of(s.begin(), s.end(), p);
}

// Every part of `s` between separators, the empty ones too.
template <class Predicate>
bool all_parts(std::string_view s, char separator, Predicate p) {
  for (;;) {
    const std::size_t end = s.find(separator);
    if (!p(s.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    s.remove_prefix(end + 1);
  }
}

bool is_domain_label(std::string_view s) {
  return !s.empty() && s.front() != '-' && s.back() != '-' &&
         all(s, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_host(std::string_view s) {
  if (s.starts_with('['))
    return s.size() > 2 && s.ends_with(']') &&
           all(s.substr(1, s.size() - 2), [](char c) { return is_hex_digit(c) || c == ':'; });
  return all_parts(s, '.', is_domain_label);
}

bool is_domain(std::string_view s) {
  const std::size_t colon = s.rfind(':');
  if (colon == std::string_view::npos || s.ends_with(']')) return is_host(s);
  const std::string_view port = s.substr(colon + 1);
  return is_host(s.substr(0, colon)) && !port.empty() && all(port, is_digit);
}

bool is_separator(std::string_view s) {
  return s == "." || s == "_" || s == "__" || all(s, [](char c) { return c == '-'; });
}

bool is_path_component(std::string_view s) {
  if (s.empty() || !is_lower_or_digit(s.front()) || !is_lower_or_digit(s.back())) return false;
  while (!s.empty()) {
    s.remove_prefix(
        std::min(s.size(), s.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789")));
    const auto next = std::find_if(s.begin(), s.end(), is_lower_or_digit);
    const auto separator = static_cast<std::size_t>(next - s.begin());
    if (!is_separator(s.substr(0, separator))) return false;
    s.remove_prefix(separator);
  }
  return true;
}

bool is_path(std::string_view s) { return all_parts(s, '/', is_path_component); }

bool is_digest_shape(std::string_view s) {
  const std::size_t colon = s.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view hex = s.substr(colon + 1);
  std::string algorithm(s.substr(0, colon));
  for (char& c : algorithm)
    if (c == '-' || c == '_' || c == '+') c = '.';
  return hex.size() >= 32 && all(hex, is_hex_digit) &&
         all_parts(algorithm, '.', [](std::string_view part) {
           return !part.empty() && !is_digit(part.front()) && all(part, is_letter_or_digit);
         });
}

Error invalid_reference(std::string what) {
  return Error(ErrorCode::InvalidArgument, std::move(what));
}
Error invalid_format() { return invalid_reference("invalid reference format"); }

// `text` has the shape of a digest.
Result<Digest> parse_digest(std::string_view text) {
  static constexpr std::string_view kSha256 = "sha256:";
  if (!text.starts_with(kSha256)) return invalid_reference("unsupported digest algorithm");
  if (text.size() != kSha256.size() + 2 * Digest::kBytes)
    return invalid_reference("invalid checksum digest length");
  auto digest = Digest::parse(text);
  if (!digest) return invalid_reference("invalid checksum digest format");
  return digest;
}

struct Split {
  std::string domain;
  std::string remainder;
};

// The first component is a domain only if it looks like one; anything else is on Docker Hub.
Split split_domain(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view first = text.substr(0, slash);
  const bool has_domain =
      slash != std::string_view::npos &&
      (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
  Split s{std::string(kDefaultDomain), std::string(text)};
  if (has_domain) s = {std::string(first), std::string(text.substr(slash + 1))};
  if (s.domain == kLegacyDomain) s.domain = kDefaultDomain;
  if (s.domain == kDefaultDomain && s.remainder.find('/') == std::string::npos)
    s.remainder.insert(0, kOfficial);
  return s;
}

}  // namespace

bool is_full_id(std::string_view text) {
  return text.size() == 2 * Digest::kBytes &&
         all(text, [](char c) { return is_hex_digit(c) && !is_upper(c); });
}

bool is_valid_tag(std::string_view text) {
  auto is_word = [](char c) { return is_letter_or_digit(c) || c == '_'; };
  return !text.empty() && text.size() <= 128 && is_word(text.front()) &&
         all(text, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

Result<Reference> Reference::parse_normalized(std::string_view text) {
  if (is_full_id(text))
    return invalid_reference("invalid repository name (" + std::string(text) +
                             "), cannot specify 64-byte hexadecimal strings");
  auto [domain, remainder] = split_domain(text);
  const std::string_view rest = remainder;
  const std::string_view lower_part = rest.substr(0, rest.find(':'));
  if (std::any_of(lower_part.begin(), lower_part.end(), is_upper))
    return invalid_reference("invalid reference format: repository name must be lowercase");

  Reference r;
  const std::size_t at = rest.find('@');
  const std::string_view named = rest.substr(0, at);
  const std::size_t colon = named.find(':');
  r.path = named.substr(0, colon);
  if (colon != std::string_view::npos) r.tag = named.substr(colon + 1);
  // "a_b.c/d" has no valid domain, but is a valid path on no domain: docker accepts and keeps that.
  if (is_domain(domain)) {
    r.domain = std::move(domain);
  } else {
    r.path.insert(0, domain + '/');
  }
  if (!is_path(r.path) || (colon != std::string_view::npos && !is_valid_tag(r.tag)))
    return invalid_format();
  if (at != std::string_view::npos && !is_digest_shape(rest.substr(at + 1)))
    return invalid_format();
  if (r.name().size() > kMaxName)
    return invalid_reference("repository name must not be more than 255 characters");
  if (at != std::string_view::npos) r.digest = TRY(parse_digest(rest.substr(at + 1)));
  return r;
}

std::string Reference::name() const { return domain.empty() ? path : domain + '/' + path; }

std::string Reference::familiar_name() const {
  if (domain != kDefaultDomain) return name();
  const bool official =
      path.starts_with(kOfficial) && path.find('/', kOfficial.size()) == std::string::npos;
  return official ? path.substr(kOfficial.size()) : path;
}

std::string Reference::suffix() const {
  std::string s;
  if (!tag.empty()) s += ':' + tag;
  if (digest) s += '@' + digest->str();
  return s;
}

Reference Reference::with_default_tag() const {
  Reference r = *this;
  if (is_name_only()) r.tag = "latest";
  return r;
}

Result<void> check_taggable(const Reference& reference) {
  if (reference.digest)
    return invalid_reference("refusing to create a tag with a digest reference");
  if (reference.familiar_name() == "sha256")
    return invalid_reference("refusing to create an ambiguous tag using digest algorithm as name");
  return {};
}

Result<Reference> parse_new_name(std::string_view text) {
  auto reference = TRY(Reference::parse_normalized(text)).with_default_tag();
  TRY(check_taggable(reference));
  return reference;
}

Result<std::vector<Reference>> parse_optional_name(std::string_view text) {
  if (text.empty()) return std::vector<Reference>();
  return std::vector<Reference>{TRY(parse_new_name(text))};
}

}  // namespace strata
