#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "digest/digest.h"

namespace strata {

/// The name of an image, fully written out: docker.io/library/ubuntu:22.04@sha256:...
/// Made by parse_normalized(), so always well-formed. Grammar: github.com/distribution/reference.
struct Reference {
  std::string domain;            // "docker.io", "localhost:5000"; "" for an oddity like "a_b.c/d"
  std::string path;              // "library/ubuntu"
  std::string tag;               // "" if there is none
  std::optional<Digest> digest;  // of the manifest

  /// Reads what a user types or a store holds: "ubuntu", "me/app:1",
  /// "reg.example:5000/x@sha256:...". The default domain and "library/" are added, a tag is not:
  /// see with_default_tag(). InvalidArgument with docker's texts; only sha256 digests are
  /// supported.
  static Result<Reference> parse_normalized(std::string_view text);

  /// "docker.io/library/ubuntu"
  std::string name() const;
  /// "docker.io/library/ubuntu:22.04"
  std::string str() const { return name() + suffix(); }
  /// "ubuntu": without the default domain and "library/". As in docker, it names another repository
  /// when read again if the path starts like a domain: docker.io/a.b/c becomes "a.b/c".
  std::string familiar_name() const;
  /// "ubuntu:22.04": what users see, and the keys of repositories.json.
  std::string familiar() const { return familiar_name() + suffix(); }
  /// ":22.04@sha256:...", or the half that is there, or "".
  std::string suffix() const;

  bool is_name_only() const { return tag.empty() && !digest; }
  /// ":latest" if there is neither tag nor digest.
  Reference with_default_tag() const;
  Reference without_tag_and_digest() const { return {domain, path, "", std::nullopt}; }

  auto operator<=>(const Reference&) const = default;
};

/// 64 lower-case hex digits: an image or container ID, which no repository may be named.
bool is_full_id(std::string_view text);
/// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
bool is_valid_tag(std::string_view text);

/// Whether an image may be given this name: InvalidArgument for the repository `sha256`, which
/// "sha256:<id>" would make ambiguous, and for a reference with a digest, which only a registry
/// gives.
Result<void> check_taggable(const Reference& reference);

/// The name that a user gives an image, with "latest" if he gives no tag. InvalidArgument also as
/// check_taggable().
Result<Reference> parse_new_name(std::string_view text);
/// That one, or none if `text` is empty.
Result<std::vector<Reference>> parse_optional_name(std::string_view text);

}  // namespace strata
