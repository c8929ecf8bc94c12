#include "container/names.h"

#include <algorithm>
#include <cctype>
#include <random>

#include "base/io.h"

namespace strata {
namespace {

// Texts, not views of some: those would be relocated at each start of the program.
constexpr char kAdjectives[][9] = {
    "able",    "agile",    "airy",    "alert",   "amber",  "ample",    "apt",    "autumn",
    "azure",   "balanced", "bold",    "brave",   "breezy", "bright",   "brisk",  "calm",
    "candid",  "careful",  "cheery",  "chosen",  "civil",  "clear",    "clever", "coastal",
    "copper",  "cosy",     "crisp",   "curious", "daring", "deft",     "dry",    "dusty",
    "eager",   "early",    "earnest", "even",    "fair",   "faithful", "fancy",  "fine",
    "firm",    "fond",     "frank",   "free",    "fresh",  "gentle",   "glad",   "golden",
    "grand",   "green",    "handy",   "hardy",   "honest", "humble",   "icy",    "jolly",
    "just",    "keen",     "kind",    "lasting", "level",  "light",    "lively", "loyal",
    "lucid",   "lucky",    "lunar",   "mellow",  "merry",  "mild",     "misty",  "modest",
    "neat",    "nimble",   "noble",   "novel",   "open",   "patient",  "placid", "plain",
    "polite",  "prime",    "proud",   "quick",   "quiet",  "rapid",    "ready",  "robust",
    "rosy",    "round",    "rustic",  "sandy",   "serene", "sharp",    "silver", "sincere",
    "smooth",  "sober",    "solar",   "solid",   "spry",   "stable",   "steady", "still",
    "stout",   "sturdy",   "subtle",  "sunny",   "sure",   "tidy",     "tough",  "true",
    "upbeat",  "useful",   "valiant", "vast",    "velvet", "verdant",  "warm",   "wary",
    "western", "wise",     "witty",   "young",
};

constexpr char kSurnames[][13] = {
    "abel",        "agnesi",     "ampere",      "anning",       "archimedes", "avicenna",
    "avogadro",    "babbage",    "banneker",    "becquerel",    "bernoulli",  "blackwell",
    "bohr",        "boole",      "born",        "bose",         "boyle",      "brahe",
    "cannon",      "cantor",     "carson",      "cauchy",       "cavendish",  "celsius",
    "chandra",     "chatelet",   "church",      "copernicus",   "coulomb",    "curie",
    "dalton",      "darwin",     "dijkstra",    "dirac",        "edison",     "eratosthenes",
    "erdos",       "euclid",     "euler",       "faraday",      "fermat",     "fermi",
    "feynman",     "fibonacci",  "fleming",     "foucault",     "fourier",    "franklin",
    "galilei",     "galois",     "galvani",     "gauss",        "germain",    "gibbs",
    "goodall",     "hamilton",   "heisenberg",  "henry",        "hermite",    "herschel",
    "hertz",       "hilbert",    "hooke",       "hopper",       "hubble",     "huygens",
    "hypatia",     "jacobi",     "jenner",      "joliot",       "joule",      "kelvin",
    "kepler",      "khayyam",    "knuth",       "kovalevskaya", "lagrange",   "lamarr",
    "laplace",     "lavoisier",  "leavitt",     "legendre",     "leibniz",    "linnaeus",
    "lovelace",    "mach",       "maxwell",     "mayer",        "mcclintock", "meitner",
    "mendel",      "mirzakhani", "moebius",     "napier",       "newton",     "nightingale",
    "nobel",       "noether",    "oersted",     "ohm",          "pascal",     "pasteur",
    "pauli",       "payne",      "perlman",     "planck",       "poincare",   "ptolemy",
    "raman",       "ramanujan",  "riemann",     "roentgen",     "rubin",      "rutherford",
    "sagan",       "salk",       "schrodinger", "shannon",      "somerville", "stokes",
    "tereshkova",  "tesla",      "thales",      "turing",       "volta",      "watt",
    "weierstrass", "wing",       "wright",      "wu",           "yalow",      "zuse",
};

template <std::size_t N, std::size_t Longest>
std::string_view draw(const char (&words)[N][Longest], std::random_device& random) {
  return words[std::uniform_int_distribution<std::size_t>(0, N - 1)(random)];
}

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string random_container_name(bool retry) {
  std::random_device random;
  std::string name(draw(kAdjectives, random));
  name.append("_").append(draw(kSurnames, random));
  if (retry) name += static_cast<char>('0' + std::uniform_int_distribution<int>(0, 9)(random));
  return name;
}

Result<void> check_container_name(std::string_view name) {
  bool valid = name.size() >= 2 && is_alphanumeric(name[0]) &&
               std::all_of(name.begin(), name.end(), [](char c) {
                 return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
               });
  if (valid) return {};
  return Error(
      ErrorCode::InvalidArgument,
      fmt::format("Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name));
}

Result<std::optional<ContainerRecord>> container_with_name(const Store& store,
                                                           std::string_view name) {
  // Names need no escapes in JSON: a record without these bytes has another one, and need not be
  // decoded.
  auto quoted = fmt::format("\"/{}\"", name);
  for (const auto& id : TRY(container_ids(store))) {
    auto text = read_file(store.containers_dir(), id + "/config.v2.json");
    if (text && text->find(quoted) == std::string::npos) continue;
    auto record = load_container(store, id);
    if (record && record->name.size() > 1 && std::string_view(record->name).substr(1) == name)
      return std::optional(*std::move(record));
  }
  return std::optional<ContainerRecord>();
}

Result<void> check_name_is_free(const Store& store, std::string_view name) {
  auto owner = TRY(container_with_name(store, name));
  if (!owner) return {};
  return Error(ErrorCode::Conflict,
               fmt::format("Conflict. The container name \"/{}\" is already in use by container "
                           "\"{}\". You have to remove (or rename) that container to be able to "
                           "reuse that name.",
                           name, owner->id));
}

Result<void> rename_container(const Store& store, const std::string& id, const std::string& name) {
  constexpr std::string_view kAllocating = "Error when allocating new name";
  // As in creation: whoever holds it gives names.
  auto names =
      TRY(FileLock::acquire(store.own_dir(), "containers/names.lock", FileLock::Mode::Exclusive));
  auto lock = TRY(lock_container(store, id));
  auto record = TRY(load_container(store, id));
  if (record.name == "/" + name)
    return Error(ErrorCode::InvalidArgument,
                 "Renaming a container with the same name as its current name");
  if (!check_container_name(name))  // docker's words, with its slash
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("{}: Invalid container name (/{}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
                             "allowed",
                             kAllocating, name));
  TRY(check_name_is_free(store, name).context("{}", kAllocating));
  record.name = "/" + name;
  return save_container(store, record);
}

Result<std::string> unused_container_name(const Store& store) {
  for (int attempt = 0; attempt < 1000; attempt++) {
    auto name = random_container_name(attempt > 5);
    if (!TRY(container_with_name(store, name))) return name;
  }
  return Error(ErrorCode::Internal, "no container name is free");
}

}  // namespace strata
