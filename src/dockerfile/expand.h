#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Variables, quotes and escapes in the words of a Dockerfile: $v ${v} ${v:-w} ${v-w} ${v:+w} ${v+w}
// ${v:?w} ${v?w} ${v#p} ${v##p} ${v%p} ${v%%p} ${v/p/r} ${v//p/r}. Format: BuildKit's Dockerfile
// reference, "Environment replacement".
//
// `escape` is Dockerfile::escape. All errors are InvalidArgument and name the word as docker does:
// `failed to process "${X?oops}": X: oops`.
namespace strata::dockerfile {

/// The value of a variable, or nothing if it is not set. Called for each use of the variable.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Replaces variables and removes quotes and escapes. Blanks in values stay: the result is one
/// word.
Result<std::string> expand_word(std::string_view word, char escape, const Lookup& lookup);

/// The same, but unquoted blanks, those in values included, separate words; an empty unquoted value
/// gives no word. EXPOSE needs this: P="80 443/udp", `EXPOSE $P` is two ports.
Result<std::vector<std::string>> expand_words(std::string_view text, char escape,
                                              const Lookup& lookup);

/// For the body of a here-document: replaces variables and escapes, keeps quotes.
Result<std::string> expand_heredoc(std::string_view body, char escape, const Lookup& lookup);

/// Tells `needed` the name of each variable of `word` whose absence would leave nothing in its
/// place: $v, ${v} and the forms that cut or replace; not ${v:-w}, ${v:+w} and ${v:?w}, which
/// reckon with it, nor what stands in a w that is not used. Ends at a mistake in `word`, which
/// expand_word() reports.
void find_variables(std::string_view word, char escape, const Lookup& lookup,
                    const std::function<void(std::string_view name)>& needed);

}  // namespace strata::dockerfile
