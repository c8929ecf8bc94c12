#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace strata::http::detail {

/// The functions of libcurl that are used, out of a library that is loaded when it is needed: it
/// brings 34 more, which would make every command start later.
struct Curl {
  decltype(&::curl_easy_init) init;
  decltype(&::curl_easy_setopt) setopt;
  decltype(&::curl_easy_perform) perform;
  decltype(&::curl_easy_getinfo) getinfo;
  decltype(&::curl_easy_cleanup) cleanup;
  decltype(&::curl_easy_strerror) strerror;
  decltype(&::curl_easy_reset) reset;
  decltype(&::curl_slist_append) append;
  decltype(&::curl_slist_free_all) free_all;
};

/// Loads it once. Unsupported if there is none. Any thread.
Result<const Curl*> load_curl();

}  // namespace strata::http::detail
