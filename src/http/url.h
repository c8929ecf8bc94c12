#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::http {

/// Begins with "http://" or "https://", in lower case: what docker takes for a URL.
bool is_url(std::string_view text);

/// The parts of a URL that rules depend on.
struct Url {
  std::string host;  // with the port, without user and password
  std::string path;  // escapes decoded; "" or begins with a slash; no query, no fragment
};

/// Errors are those of Go's net/url and net/http: `parse "http://[::1/x": missing ']' in host`,
/// `Get "http:///x": http: no Host in request URL`.
Result<Url> parse_url(std::string_view url);

/// As an error shows it: a password becomes "***".
std::string shown_url(std::string_view url);

/// As it can stand in a request: blanks, control and non-ASCII bytes are escaped.
std::string escaped_url(std::string_view url);

/// "%41" becomes "A". What is no escape stays.
std::string decode_percent(std::string_view text);

}  // namespace strata::http
