// rooms: http registry
// What registries, token servers and files of rules say: the first byte chooses the reader.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/client.h"
#include "http/session.h"
#include "http/url.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/detail/answer.h"
#include "registry/detail/headers.h"
#include "registry/detail/hosts_toml.h"
#include "registry/detail/warning.h"
#include "registry/manifest.h"

using namespace strata;
using namespace strata::registry;

namespace {

/// What can be carried on names as many blobs as what can be pulled.
void read_parts(std::string_view text) {
  auto parts = parse_parts(text, kOciManifest);
  auto parsed = parse_manifest(text, kOciManifest);
  if (!parsed || std::holds_alternative<Index>(*parsed)) return;
  if (!parts) std::abort();
  if (std::get<Manifest>(*parsed).layers.size() < parts->manifest.layers.size()) std::abort();
}

/// Headers that say where to go, when, and what to tell people.
void read_headers(std::string_view text) {
  for (const auto& warning : detail::parse_warnings(text))
    for (char c : warning)
      if (static_cast<unsigned char>(c) < 0x20) std::abort();  // it goes to a terminal
  auto url = http::resolve_url("https://registry.example/v2/x", text);
  (void)http::parse_url(url);
  (void)http::origin_of(url);
  (void)http::parse_http_date(text);
}

void read_manifest(std::string_view text) {
  auto parsed = parse_manifest(text, kOciManifest);
  if (!parsed) return;
  if (const auto* index = std::get_if<Index>(&*parsed)) {
    (void)choose(*index, {"linux", "amd64", ""});
    return;
  }
  // What was understood is written so that it is understood again.
  const auto& manifest = std::get<Manifest>(*parsed);
  auto again = parse_manifest(encode_manifest(manifest, kOciManifest), kOciManifest);
  if (!again || std::get<Manifest>(*again).layers != manifest.layers) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'c':
      (void)parse_challenges(text);
      break;
    case 'm':
      read_manifest(text);
      break;
    case 'p':
      read_parts(text);
      break;
    case 'w':
      read_headers(text);
      break;
    case 't':
      (void)detail::parse_hosts_toml(text);
      break;
    case 'e': {
      http::Answer answer;
      answer.code = 404;
      for (char c : detail::read_refusal(answer, text).message)
        if (static_cast<unsigned char>(c) < 0x20) std::abort();  // it goes to a terminal
      break;
    }
    case 'h': {  // headers of answers
      const std::string line(text);
      if (auto start = detail::range_start(text); start && *start < 0) std::abort();
      if (auto wait = detail::wait_asked_for(line); wait && wait->count() < 0) std::abort();
      auto next = detail::next_page(text);
      (void)http::resolve_url("https://registry.example:5000/v2/x/tags/list", next);
      (void)http::resolve_url("https://registry.example:5000/v2/x/tags/list", line);
      (void)http::parse_url(text);
      break;
    }
    case 'b':
      if (auto plain = base64_decode(text); plain && base64_decode(base64_encode(*plain)) != plain)
        std::abort();
      break;
    default:
      break;
  }
  return 0;
}
