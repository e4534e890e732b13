#include "spec/hugging_face.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/text.h"
#include "spec/hugging_face_families.h"
#include "spec/read.h"
#include "spec/yaml_reader.h"

namespace planewise::spec {
namespace {

const Node& node_of(const Document& document, int index) {
  return document.nodes[static_cast<std::size_t>(index)];
}

/// The value at `key` of the root map; a null pointer if there is no such key.
const Node* find_node(const Document& document, std::string_view key) {
  for (const MapEntry& entry : node_of(document, document.root).entries) {
    if (entry.key == key) return &node_of(document, entry.node);
  }
  return nullptr;
}

/// The same; also a null pointer if the value is null.
const Node* find_value(const Document& document, std::string_view key) {
  const Node* value = find_node(document, key);
  return value == nullptr || value->kind == NodeKind::null ? nullptr : value;
}

std::string known_architectures() {
  return fmt::format("known are {}", fmt::join(hugging_face_architectures(), ", "));
}

bool holds(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The one item of `architectures`, or `model_type` if there is no such list.
const Node* family_name(const Document& document) {
  const Node* list = find_value(document, "architectures");
  if (list == nullptr) return find_value(document, "model_type");
  const bool is_one = list->kind == NodeKind::sequence && list->items.size() == 1;
  return is_one ? &node_of(document, list->items.front()) : list;
}

const ModelFamily* find_family(const Document& document, Diagnostics& diagnostics) {
  const Node* name = family_name(document);
  if (name == nullptr) {
    diagnostics.add(document.origin, node_of(document, document.root).at, "",
                    "neither architectures nor model_type says what this is",
                    known_architectures());
    return nullptr;
  }
  const auto& families = hugging_face_families();
  const auto family = std::find_if(families.begin(), families.end(), [&](const ModelFamily& f) {
    return f.architecture == name->text || holds(f.model_types, name->text);
  });
  const bool from_list = find_value(document, "architectures") != nullptr;
  if (family == families.end() || name->kind != NodeKind::scalar) {
    diagnostics.add(document.origin, name->at, from_list ? "architectures" : "model_type",
                    name->kind == NodeKind::scalar ? in_quotes(name->text) + " is not converted"
                                                   : "one architecture is wanted here",
                    known_architectures());
    return nullptr;
  }
  const Node* type = find_value(document, "model_type");
  if (type != nullptr && !holds(family->model_types, type->text)) {
    diagnostics.add(
        document.origin, type->at, "model_type",
        fmt::format("{} is not known as a {}", in_quotes(type->text), family->architecture),
        fmt::format("known is {}", fmt::join(family->model_types, ", ")));
    return nullptr;
  }
  return &*family;
}

/// Whether a value, or every item of a list, is one of `neutral`.
bool is_neutral(const Document& document, const Node& value,
                const std::vector<std::string_view>& neutral) {
  if (value.kind == NodeKind::scalar) return holds(neutral, value.text);
  return value.kind == NodeKind::sequence &&
         std::all_of(value.items.begin(), value.items.end(), [&](int item) {
           return is_neutral(document, node_of(document, item), neutral);
         });
}

/// Whether any family reads a field from `key`: then it is no key without a meaning.
bool is_read_elsewhere(std::string_view key) {
  for (const ModelFamily& family : hugging_face_families()) {
    for (const ModelField& field : family.fields) {
      if (field.from == key) return true;
    }
  }
  return false;
}

const KeyRule* find_rule(const ModelFamily& family, std::string_view key) {
  for (const auto* rules : {&family.rules, &hugging_face_rules()}) {
    for (const KeyRule& rule : *rules) {
      if (rule.key == key) return &rule;
    }
  }
  return nullptr;
}

/// What the keys of a file that become no field come to.
class KeyCheck {
 public:
  KeyCheck(const ModelFamily& family, const Document& document, MapReader& root)
      : family_(family), document_(document), root_(root) {}

  /// Refuses what changes the computation; returns the keys that are not known.
  std::vector<std::string> check_all() {
    std::vector<std::string> unknown;
    for (const MapEntry& entry : node_of(document_, document_.root).entries) {
      root_.allow({entry.key});
      const Node& value = node_of(document_, entry.node);
      const bool known = value.kind == NodeKind::null || is_field(entry.key) ||
                         is_harmless(entry.key) || holds(family_.harmless, entry.key) ||
                         is_checked(entry.key, value);
      if (!known) unknown.push_back(shortened(entry.key));
    }
    for (const KeyRule& rule : family_.rules) {
      const bool is_missing = rule.required && find_node(document_, rule.key) == nullptr;
      if (is_missing) root_.error(rule.key, std::string(rule.message), std::string(rule.hint));
    }
    check_greedy();
    return unknown;
  }

 private:
  bool is_field(std::string_view key) const {
    return std::any_of(family_.fields.begin(), family_.fields.end(),
                       [&](const ModelField& field) { return field.from == key; });
  }

  bool is_checked(std::string_view key, const Node& value) {
    if (const KeyRule* rule = find_rule(family_, key)) {
      if (!is_neutral(document_, value, rule->neutral)) {
        root_.error(key, std::string(rule->message), std::string(rule->hint));
      }
      return true;
    }
    if (!is_read_elsewhere(key)) return false;
    if (!is_neutral(document_, value, {"0", "false"})) {
      root_.error(key, fmt::format("a {} has no such thing", family_.architecture),
                  "take it out if it is not used");
    }
    return true;
  }

  void check_greedy() {
    const Node* method = find_value(document_, "topk_method");
    const Node* groups = find_value(document_, "n_group");
    if (method == nullptr || groups == nullptr || method->text != "greedy") return;
    if (groups->text == "1") return;
    root_.error("n_group", "topk_method 'greedy' chooses among all experts, without groups",
                "write 1");
  }

  const ModelFamily& family_;
  const Document& document_;
  MapReader& root_;
};

/// One line of the model file.
struct Line {
  std::string_view key{};  ///< As ModelField::key.
  std::string text{};
  std::string_view comment{};
};

const std::string& text_of(const std::vector<Line>& lines, std::string_view key) {
  static const std::string none;
  const auto line =
      std::find_if(lines.begin(), lines.end(), [&](const Line& l) { return l.key == key; });
  return line == lines.end() ? none : line->text;
}

/// Values below 1 are refused when the model file is read back; until then 1 stands for what would
/// follow from them.
std::int64_t number_of(const std::vector<Line>& lines, std::string_view key) {
  return std::stoll(text_of(lines, key));
}

std::int64_t as_many_as_heads(const std::vector<Line>& lines) {
  return std::max<std::int64_t>(1, number_of(lines, "attention.heads"));
}

/// hidden / heads; reports if that is not whole.
std::int64_t head_dim(const std::vector<Line>& lines, MapReader& root) {
  const std::int64_t hidden = number_of(lines, "hidden");
  const std::int64_t heads = number_of(lines, "attention.heads");
  const bool known = root.read_well({"hidden_size", "num_attention_heads"});
  if (!known || hidden < 1 || heads < 1) return 1;
  if (hidden % heads == 0) return hidden / heads;
  root.error(
      "hidden_size",
      fmt::format("{} does not divide over {} heads, and there is no head_dim", hidden, heads));
  return 1;
}

Line read_field(const ModelField& field, const std::vector<Line>& before, const Document& document,
                MapReader& root) {
  const bool is_there = !field.from.empty() && find_value(document, field.from) != nullptr;
  const bool is_missing = find_node(document, field.from) == nullptr;
  const bool is_required = field.otherwise == Otherwise::required ||
                           (field.otherwise == Otherwise::value_if_null && is_missing);
  if (is_there || is_required) {
    std::string text = field.type == FieldType::boolean
                           ? (root.boolean(field.from) ? "true" : "false")
                           : fmt::format("{}", root.small_integer(field.from));
    return {.key = field.key, .text = std::move(text), .comment = field.from};
  }
  std::string text(field.value);
  if (field.otherwise == Otherwise::heads) {
    text = fmt::format("{}", as_many_as_heads(before));
  }
  if (field.otherwise == Otherwise::hidden_over_heads) {
    text = fmt::format("{}", head_dim(before, root));
  }
  return {.key = field.key, .text = std::move(text), .comment = field.why};
}

/// In double quotes, as YAML reads them. `text` is printable.
std::string in_double_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

struct Heading {
  std::string name{};
  std::string source{};
  std::string_view architecture{};
  std::vector<std::string> ignored{};
};

std::string_view attention_kind(const std::vector<Line>& lines) {
  const std::string& key_value_heads = text_of(lines, "attention.kv_heads");
  if (key_value_heads.empty()) return "mla";
  return key_value_heads == text_of(lines, "attention.heads") ? "mha" : "gqa";
}

std::string model_file(const Heading& heading, const std::vector<Line>& lines) {
  std::string out = fmt::format(
      "# From a Hugging Face configuration of {}; on the right its keys.\n", heading.architecture);
  if (!heading.ignored.empty()) {
    out += fmt::format("# Not looked at: {}\n", fmt::join(heading.ignored, ", "));
  }
  out += fmt::format("planewise_model: 1\nname: {}\nsource: {}\n", in_double_quotes(heading.name),
                     in_double_quotes(heading.source));
  for (const std::string_view section : {"", "attention.", "moe."}) {
    const std::string indent = section.empty() ? "" : "  ";
    bool is_begun = section.empty();
    for (const Line& line : lines) {
      const bool is_inside = section.empty() ? line.key.find('.') == std::string_view::npos
                                             : line.key.starts_with(section);
      if (!is_inside) continue;
      if (!is_begun) out += fmt::format("{}:\n", section.substr(0, section.size() - 1));
      if (!is_begun && section == "attention.") {
        out += fmt::format("  kind: {}\n", attention_kind(lines));
      }
      is_begun = true;
      const std::string entry =
          fmt::format("{}{}: {}", indent, line.key.substr(section.size()), line.text);
      out += fmt::format("{:<27}  # {}\n", entry, line.comment);
    }
    if (is_begun && !section.empty()) out += "  source: the same file\n";
  }
  return out;
}

/// `Qwen/Qwen3-8B`; empty if the file does not say.
std::string repository(const Document& document, MapReader& root) {
  const Node* name = find_value(document, "_name_or_path");
  return name == nullptr || name->text.empty() ? "" : root.text("_name_or_path");
}

/// The last part of the repository; else of the file's name, or of its folder if that is
/// config.json.
std::string model_name(const std::string& repository, const std::string& path) {
  const std::filesystem::path file(path);
  const bool tells = file.stem() != "config";
  const std::filesystem::path said = !repository.empty() ? std::filesystem::path(repository)
                                     : tells             ? file.stem()
                                                         : file.parent_path();
  const std::string name = (said.has_filename() ? said : said.parent_path()).filename().string();
  return name.empty() || name.starts_with('.') ? "model" : printable(name);
}

/// The model of `yaml`. What the reader of model files refuses is reported where the configuration
/// says it.
ModelSpec read_back(const std::string& yaml, const ModelFamily& family, MapReader& root) {
  Diagnostics mistakes;
  ModelSpec model = read_model(parse_document("model", yaml, mistakes), mistakes);
  for (const Diagnostic& mistake : mistakes.list()) {
    const auto field = std::find_if(family.fields.begin(), family.fields.end(),
                                    [&](const ModelField& f) { return f.key == mistake.key; });
    const bool is_from = field != family.fields.end() && !field->from.empty();
    const std::string key(is_from ? field->from : std::string_view(mistake.key));
    root.error(key, mistake.message, mistake.hint);
  }
  return model;
}

}  // namespace

std::vector<std::string> hugging_face_architectures() {
  std::vector<std::string> names;
  for (const ModelFamily& family : hugging_face_families()) names.emplace_back(family.architecture);
  return names;
}

HuggingFaceModel read_hugging_face(Document document, const HuggingFaceOptions& options,
                                   Diagnostics& diagnostics) {
  HuggingFaceModel read;
  if (document.root < 0) return read;
  Diagnostics own;
  Reading reading(document, own);
  MapReader root(reading);
  const ModelFamily* family = root.is_map() ? find_family(document, own) : nullptr;
  if (family == nullptr) {
    diagnostics.add(own);
    return read;
  }
  read.ignored = KeyCheck(*family, document, root).check_all();
  std::vector<Line> lines;
  for (const ModelField& field : family->fields) {
    lines.push_back(read_field(field, lines, document, root));
  }
  const std::string& path = document.origin.path;
  const std::string from = repository(document, root);
  const std::string name = options.name.empty() ? model_name(from, path) : options.name;
  const std::string source =
      fmt::format("{}, sha256 {}", from.empty() ? printable(path) : "config.json of " + from,
                  document.origin.sha256);
  read.yaml = model_file({.name = printable(name),
                          .source = source,
                          .architecture = family->architecture,
                          .ignored = read.ignored},
                         lines);
  const bool is_whole = std::all_of(
      family->fields.begin(), family->fields.end(),
      [&](const ModelField& field) { return field.from.empty() || root.read_well({field.from}); });
  if (own.empty() && is_whole) read.model = read_back(read.yaml, *family, root);
  reading.finish();
  read.model.origin = reading.take_origin();
  diagnostics.add(own);
  return read;
}

HuggingFaceModel read_hugging_face(const std::string& path, const HuggingFaceOptions& options,
                                   Diagnostics& diagnostics) {
  return read_hugging_face(load_document(path, diagnostics), options, diagnostics);
}

}  // namespace planewise::spec
