#include "build/paths.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace strata::build {

std::string_view strip_front(std::string_view path) {
  while (path.starts_with('/') || path.starts_with("./"))
    path.remove_prefix(path[0] == '/' ? 1 : 2);
  return path;
}

bool leaves_root(std::string_view path) {
  int depth = 0;
  for (auto part : split(path, '/')) {
    if (part == "..")
      depth--;
    else if (!part.empty() && part != ".")
      depth++;
    if (depth < 0) return true;
  }
  return false;
}

std::string base_name(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string absolute_path(const std::string& working_dir, const std::string& path) {
  std::string joined = path.starts_with('/') ? path : working_dir + '/' + path;
  std::vector<std::string_view> parts;
  for (auto part : split(joined, '/')) {
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string out;
  for (auto part : parts) out.append("/").append(part);
  if (out.empty()) return "/";
  if (path.ends_with('/')) out += '/';
  return out;
}

std::string parents_path(std::string_view path, std::size_t& pivot) {
  std::vector<std::string> names;
  pivot = 0;
  auto parts = split(path, '/');
  for (std::size_t i = 0; i < parts.size(); i++) {
    if (parts[i] == "." && i > 0 && i + 1 < parts.size())
      pivot = names.size();
    else if (parts[i] == "..")
      names.resize(names.empty() ? 0 : names.size() - 1);
    else if (!parts[i].empty() && parts[i] != ".")
      names.emplace_back(parts[i]);
  }
  pivot = std::min(pivot, names.size());
  return join(names, "/");
}

std::string drop_components(const std::string& path, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0; count--) {
    auto slash = path.find('/', at);
    if (slash == std::string::npos) return "";
    at = slash + 1;
  }
  return path.substr(at);
}

}  // namespace strata::build
