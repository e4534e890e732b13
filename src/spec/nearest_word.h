// "Did you mean": the known word that a misspelt one is nearest to.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

namespace planewise::spec {

using WordSet = std::set<std::string, std::less<>>;

/// The candidate nearest to `word` by edits (insert, delete, replace, swap), if near enough to be a
/// slip: at most two edits, and at most half of the word's letters.
std::optional<std::string> nearest_word(const std::string& word, const WordSet& candidates);

}  // namespace planewise::spec
