#include "http/detail/curl.h"

#include <dlfcn.h>

#include <mutex>
#include <optional>
#include <string>

namespace strata::http::detail {
namespace {

template <class Function>
bool find(void* library, const char* name, Function& to) {
  to = reinterpret_cast<Function>(::dlsym(library, name));
  return to != nullptr;
}

Result<Curl> open_library() {
  auto refuse = [] {
    const char* why = ::dlerror();
    return Error(ErrorCode::Unsupported,
                 std::string("libcurl cannot be loaded: ") + (why != nullptr ? why : "unknown"));
  };
  void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);  // stays until the end
  if (library == nullptr) return refuse();
  Curl curl = {};
  decltype(&::curl_global_init) global_init = nullptr;
  bool complete = find(library, "curl_global_init", global_init) &&
                  find(library, "curl_easy_init", curl.init) &&
                  find(library, "curl_easy_setopt", curl.setopt) &&
                  find(library, "curl_easy_perform", curl.perform) &&
                  find(library, "curl_easy_getinfo", curl.getinfo) &&
                  find(library, "curl_easy_cleanup", curl.cleanup) &&
                  find(library, "curl_easy_strerror", curl.strerror) &&
                  find(library, "curl_easy_reset", curl.reset) &&
                  find(library, "curl_slist_append", curl.append) &&
                  find(library, "curl_slist_free_all", curl.free_all);
  if (!complete) return refuse();
  if (CURLcode code = global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK)
    return Error(ErrorCode::Unsupported,
                 std::string("libcurl cannot be used: ") + curl.strerror(code));
  return curl;
}

}  // namespace

Result<const Curl*> load_curl() {
  static std::mutex mutex;  // guards `curl`
  static std::optional<Curl> curl;
  std::lock_guard lock(mutex);
  if (!curl) curl = TRY(open_library());
  return &*curl;
}

}  // namespace strata::http::detail
