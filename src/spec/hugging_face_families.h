// What each family of Hugging Face configurations says and may say: tables for
// spec/hugging_face.cc.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace planewise::spec {

enum class FieldType : std::uint8_t { whole_number, boolean };

/// What a field is if the configuration has null at its key, or does not have it.
enum class Otherwise : std::uint8_t {
  required,           ///< That is a mistake.
  value,              ///< `ModelField::value`, for the reason `ModelField::why`.
  value_if_null,      ///< The same, but not to have the key is a mistake: its default is another.
  heads,              ///< As many as query heads.
  hidden_over_heads,  ///< hidden / heads, which has to be whole.
};

/// One key of our model file, and where it comes from.
struct ModelField {
  std::string_view key;        ///< Ours: `attention.heads`.
  std::string_view from = {};  ///< Theirs: `num_attention_heads`; empty: always `value`.
  FieldType type = FieldType::whole_number;
  Otherwise otherwise = Otherwise::required;
  std::string_view value = {};
  std::string_view why = {};
};

/// A key that changes the computation unless its value, or every item of its list, is one of
/// `neutral`. Null is neutral, and so is an empty list.
struct KeyRule {
  std::string_view key;
  std::vector<std::string_view> neutral;
  std::string_view message;
  std::string_view hint;
  bool required = false;  ///< Not to have the key is not neutral: its default is not.
};

/// One architecture.
struct ModelFamily {
  std::string_view architecture;
  std::vector<std::string_view> model_types;
  bool is_latent = false;  ///< Attention of kind mla.
  std::vector<ModelField> fields;
  std::vector<KeyRule> rules;              ///< Of this family alone.
  std::vector<std::string_view> harmless;  ///< Keys that matter elsewhere.
};

const std::vector<ModelFamily>& hugging_face_families();
/// Rules of every family.
const std::vector<KeyRule>& hugging_face_rules();
/// Whether `key` changes nothing that a model file says, in any family: tokens, dropout, positions,
/// the router's scaling, how weights are stored.
bool is_harmless(std::string_view key);

}  // namespace planewise::spec
