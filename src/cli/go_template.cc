#include "cli/go_template.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/detail/template_functions.h"
#include "cli/detail/template_tree.h"
#include "cli/detail/template_value.h"
#include "image/go_quote.h"

namespace strata::cli {
namespace {

constexpr std::int64_t kMaxSteps = 1'000'000;
constexpr std::size_t kMaxOutput = std::size_t{64} << 20;
constexpr std::size_t kBytesPerStep = 256;  // of the texts that functions make

Json sorted(Json::Object members) {
  std::stable_sort(members.begin(), members.end(),
                   [](const Json::Member& a, const Json::Member& b) { return a.first < b.first; });
  return Json::object(std::move(members));
}

// Go writes the keys of a map in order, the fields of a struct as they are declared. JSON nests at
// most 512 deep, so the recursion is bounded.
Json with_sorted_maps(const Json& json, GoKind kind, const TemplateOptions& options) {
  if (json.is_array()) {
    Json::Array out;
    for (const Json& e : json.as_array()) {
      out.push_back(with_sorted_maps(e, GoKind::Other, options));
    }
    return Json::array(std::move(out));
  }
  if (!json.is_object()) return json;
  Json::Object out;
  for (const Json::Member& m : json.as_object()) {
    out.emplace_back(m.first, with_sorted_maps(m.second, options.kind_of(m.first), options));
  }
  return kind == GoKind::Map ? sorted(std::move(out)) : Json::object(std::move(out));
}

enum class Flow : std::uint8_t { On, Break, Continue };

/// One run of a template over its data.
class Execution {
 public:
  Execution(const GoTemplate::Tree& tree, const Json& data, const TemplateOptions& options,
            std::string& out)
      : tree_(tree), data_(data), options_(options), out_(out), limit_(out.size() + kMaxOutput) {}

  Result<void> run() {
    const Value root = Value::borrowed(data_);
    variables_.push_back({"$", root});
    TRY(walk(root, tree_.root));
    return {};
  }

 private:
  struct Variable {
    std::string name;
    Value value;
  };

  Error at(const Node& node, std::string_view message) const;
  Result<void> step(const Node& node, std::size_t cost = 1);
  Result<void> write(const Node& node, std::string_view text);

  Result<Flow> walk(const Value& dot, const Node& node);
  Result<Flow> walk_list(const Value& dot, const Node& list);
  Result<Flow> walk_condition(const Value& dot, const Node& node);
  Result<Flow> walk_range(const Value& dot, const Node& node);
  Result<void> range_over_map(const Node& node, const Value& all);
  Result<void> range_over_list(const Node& node, const Value& all);
  Result<Flow> iterate(const Node& node, Value index, Value element);
  Result<Flow> walk_template(const Value& dot, const Node& node);

  Result<Value> pipeline(const Value& dot, const Node& pipe);
  Result<Value> command(const Value& dot, const Node& node, const Value* piped);
  Result<Value> function(const Value& dot, const Node& node, const Value* piped);
  std::string marshal(const Value& value) const;
  Result<std::vector<Value>> arguments(const Value& dot, const Node& node, const Value* piped,
                                       const TemplateFunction& f);
  Result<Value> argument(const Value& dot, const Node& node, char type);
  Result<void> check_type(const Node& node, const Value& value, char type) const;
  Result<Value> operand(const Value& dot, const Node& node);
  Result<Value> fields(const Value& dot, Value receiver, const Node& node, std::size_t first,
                       const Node* call, const Value* piped);
  Result<Value> field(const Value& receiver, const std::string& name, const Node& node);
  Result<Value> method(const Value& dot, const Value& receiver, const std::string& name,
                       const Node& node, const Node& call, const Value* piped);
  Result<void> declare(const Node& pipe, const Value& value);
  Variable* variable(std::string_view name);
  Result<Value> value_of(const Node& variable_node);
  bool is_root_struct(const Value& v) const {
    return !options_.root_type.empty() && &v.json() == &data_;
  }

  const GoTemplate::Tree& tree_;
  const Json& data_;
  const TemplateOptions& options_;
  std::string& out_;
  std::size_t limit_;
  std::vector<Variable> variables_;
  std::string name_;  // of the definition that runs
  std::int64_t steps_ = 0;
  int depth_ = 0;
};

Error Execution::at(const Node& node, std::string_view message) const {
  const std::string_view before = std::string_view(tree_.text).substr(0, node.pos);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t column = before.size() - (before.rfind('\n') + 1);  // npos + 1 is 0
  return {ErrorCode::InvalidArgument,
          fmt::format("template: :{}:{}: executing {} at <{}>: {}", line, column, go_quote(name_),
                      node.str(), message)};
}

Result<void> Execution::step(const Node& node, std::size_t cost) {
  steps_ += static_cast<std::int64_t>(cost);
  if (steps_ > kMaxSteps) return at(node, "the template takes too many steps");
  return {};
}

Result<void> Execution::write(const Node& node, std::string_view text) {
  if (text.size() > limit_ - out_.size()) return at(node, "the output is too long");
  out_ += text;
  return {};
}

Result<Flow> Execution::walk(const Value& dot, const Node& node) {
  TRY(step(node));
  switch (node.kind) {
    case NodeKind::List:
      return walk_list(dot, node);
    case NodeKind::If:
    case NodeKind::With:
      return walk_condition(dot, node);
    case NodeKind::Range:
      return walk_range(dot, node);
    case NodeKind::Template:
      return walk_template(dot, node);
    case NodeKind::Break:
      return Flow::Break;
    case NodeKind::Continue:
      return Flow::Continue;
    case NodeKind::Text:
      TRY(write(node, node.text));
      return Flow::On;
    default:
      break;
  }
  const Node& pipe = node.children[0];
  const Value value = TRY(pipeline(dot, pipe));
  if (pipe.names.empty()) TRY(write(node, value.exists() ? go_string(value) : "<no value>"));
  return Flow::On;
}

Result<Flow> Execution::walk_list(const Value& dot, const Node& list) {
  for (const Node& node : list.children) {
    const Flow flow = TRY(walk(dot, node));
    if (flow != Flow::On) return flow;
  }
  return Flow::On;
}

Result<Flow> Execution::walk_condition(const Value& dot, const Node& node) {
  const std::size_t visible = variables_.size();
  const Value value = TRY(pipeline(dot, node.children[0]));
  const bool holds = truth(value);
  const bool inside = holds && node.kind == NodeKind::With;
  const Flow flow = TRY(walk(inside ? value : dot, node.children[holds ? 1 : 2]));
  variables_.resize(visible);
  return flow;
}

Result<Flow> Execution::walk_range(const Value& dot, const Node& node) {
  const std::size_t visible = variables_.size();
  const Value all = TRY(pipeline(dot, node.children[0]));
  const bool nothing = !all.exists() || all.is_nil();
  if (!nothing && !all.is_list() && !all.is_map()) {
    return at(node.children[0], "range can't iterate over " + go_string(all));
  }
  Flow flow = Flow::On;
  if (nothing || all.json().size() == 0) {
    flow = TRY(walk(dot, node.children[2]));
  } else if (all.is_map()) {
    TRY(range_over_map(node, all));
  } else {
    TRY(range_over_list(node, all));
  }
  variables_.resize(visible);
  return flow;
}

Result<void> Execution::range_over_map(const Node& node, const Value& all) {
  for (const Json::Member* m : sorted_members(all.json())) {
    const Flow flow = TRY(iterate(node, Value::made(Json(m->first)), all.part(m->second)));
    if (flow == Flow::Break) break;
  }
  return {};
}

Result<void> Execution::range_over_list(const Node& node, const Value& all) {
  std::int64_t index = 0;
  for (const Json& element : all.json().as_array()) {
    const Flow flow = TRY(iterate(node, Value::made(Json(index++)), all.part(element)));
    if (flow == Flow::Break) break;
  }
  return {};
}

Result<Flow> Execution::iterate(const Node& node, Value index, Value element) {
  TRY(step(node));
  const std::vector<std::string>& names = node.children[0].names;
  if (!names.empty()) variable(names.back())->value = element;
  if (names.size() > 1) variable(names.front())->value = std::move(index);
  const std::size_t visible = variables_.size();
  element.member = true;
  const Flow flow = TRY(walk(element, node.children[1]));
  variables_.resize(visible);
  return flow;
}

Result<Flow> Execution::walk_template(const Value& dot, const Node& node) {
  const auto found = tree_.definitions.find(node.text);
  if (found == tree_.definitions.end()) {
    return at(node, fmt::format("template {} not defined", go_quote(node.text)));
  }
  if (depth_ == kMaxTemplateDepth) return at(node, "exceeded maximum template depth");
  Value data;
  if (!node.children.empty()) data = TRY(pipeline(dot, node.children[0]));
  auto outer = std::exchange(variables_, {{"$", data}});
  auto outer_name = std::exchange(name_, node.text);
  depth_++;
  TRY(walk(data, found->second));
  depth_--;
  name_ = std::move(outer_name);
  variables_ = std::move(outer);
  return Flow::On;
}

Result<Value> Execution::pipeline(const Value& dot, const Node& pipe) {
  Value value;
  const Value* piped = nullptr;
  for (const Node& node : pipe.children) {
    value = TRY(command(dot, node, piped));
    value.member = false;
    piped = &value;
  }
  TRY(declare(pipe, value));
  return value;
}

Result<void> Execution::declare(const Node& pipe, const Value& value) {
  for (const std::string& name : pipe.names) {
    if (!pipe.assign) {
      variables_.push_back({name, value});
    } else if (Variable* v = variable(name); v != nullptr) {
      v->value = value;
    } else {
      return at(pipe, "undefined variable: " + name);
    }
  }
  return {};
}

Execution::Variable* Execution::variable(std::string_view name) {
  const auto it = std::find_if(variables_.rbegin(), variables_.rend(),
                               [&](const Variable& v) { return v.name == name; });
  return it == variables_.rend() ? nullptr : &*it;
}

// A name may be known to the parser and have no value yet: {{$x := $x}}.
Result<Value> Execution::value_of(const Node& variable_node) {
  const std::string& name = variable_node.names[0];
  const Variable* found = variable(name);
  if (found == nullptr) return at(variable_node, "undefined variable: " + name);
  return found->value;
}

Result<Value> Execution::command(const Value& dot, const Node& node, const Value* piped) {
  TRY(step(node));
  const Node& first = node.children[0];
  switch (first.kind) {
    case NodeKind::Identifier:
      return function(dot, node, piped);
    case NodeKind::Field:
      return fields(dot, dot, first, 0, &node, piped);
    case NodeKind::Chain: {
      const Value start = TRY(operand(dot, first.children[0]));
      return fields(dot, start, first, 0, &node, piped);
    }
    case NodeKind::Variable: {
      if (first.names.size() == 1) break;
      const Value start = TRY(value_of(first));
      return fields(dot, start, first, 1, &node, piped);
    }
    default:
      break;
  }
  if (node.children.size() > 1 || piped != nullptr) {
    return at(first, "can't give argument to non-function " + first.str());
  }
  if (first.kind == NodeKind::Nil) return at(first, "nil is not a command");
  return operand(dot, first);
}

// docker's row types marshal themselves, sorted and with Go's escapes for HTML; all else goes
// through an encoder that leaves <, > and & alone.
std::string Execution::marshal(const Value& value) const {
  if (is_root_struct(value)) return sorted(data_.as_object()).dump();
  if (!options_.kind_of) return json_without_html_escapes(value.json());
  return json_without_html_escapes(with_sorted_maps(value.json(), value.kind, options_));
}

Result<Value> Execution::function(const Value& dot, const Node& node, const Value* piped) {
  const Node& name = node.children[0];
  const TemplateFunction& f = *find_template_function(name.text);
  const std::size_t given = node.children.size() - 1 + (piped != nullptr ? 1 : 0);
  const std::size_t least = f.operands.size() - (f.variadic ? 1 : 0);
  if (given < least || (!f.variadic && given > least)) {
    return at(name, fmt::format("wrong number of args for {}: want {}{} got {}", f.name,
                                f.variadic ? "at least " : "", least, given));
  }
  const std::vector<Value> args = TRY(arguments(dot, node, piped, f));
  constexpr std::string_view kUntouched[] = {"json", "lower", "title", "truncate", "upper"};
  if (options_.heading &&
      std::find(std::begin(kUntouched), std::end(kUntouched), f.name) != std::end(kUntouched)) {
    return args[0];
  }
  if (f.name == "json") return Value::made(Json(marshal(args[0])));
  auto value = f.call(args);
  if (!value) {
    return at(node, fmt::format("error calling {}: {}", f.name, value.error().message()));
  }
  if (value->json().is_string()) TRY(step(node, value->json().as_string().size() / kBytesPerStep));
  return value;
}

// "and" and "or" leave the operands after the decisive one alone.
Result<std::vector<Value>> Execution::arguments(const Value& dot, const Node& node,
                                                const Value* piped, const TemplateFunction& f) {
  std::vector<Value> args;
  const auto type_of_next = [&] {
    return f.operands[std::min(args.size(), f.operands.size() - 1)];
  };
  for (std::size_t i = 1; i < node.children.size(); i++) {
    Value arg = TRY(argument(dot, node.children[i], type_of_next()));
    args.push_back(std::move(arg));
    if (f.name == "and" && !truth(args.back())) return args;
    if (f.name == "or" && truth(args.back())) return args;
  }
  if (piped != nullptr) {
    TRY(check_type(node.children.back(), *piped, type_of_next()));
    args.push_back(*piped);
  }
  return args;
}

Result<Value> Execution::argument(const Value& dot, const Node& node, char type) {
  if (node.kind == NodeKind::Constant && type != 'a') {
    const bool fits = type == 's' ? node.value.is_string() : type == 'i' && node.value.is_int();
    if (!fits) {
      const std::string_view want = type == 's' ? "string" : type == 'i' ? "integer" : "[]string";
      return at(node, fmt::format("expected {}; found {}", want, node.str()));
    }
  }
  if (node.kind == NodeKind::Nil) {
    if (type == 'a') return Value::borrowed(node.value);
    return at(node, fmt::format("cannot assign nil to {}", type == 's'   ? "string"
                                                           : type == 'i' ? "int"
                                                                         : "[]string"));
  }
  if (node.kind == NodeKind::Identifier) {
    Node call;
    call.kind = NodeKind::Command;
    call.pos = node.pos;
    call.children = {node};
    return function(dot, call, nullptr);
  }
  Value value = TRY(operand(dot, node));
  TRY(check_type(node, value, type));
  return value;
}

Result<void> Execution::check_type(const Node& node, const Value& value, char type) const {
  const Json& json = value.json();
  bool fits = type == 'a';
  std::string_view want = "string";
  if (type == 's') fits = json.is_string();
  if (type == 'i') {
    want = "int";
    fits = json.is_int();
  }
  if (type == 'l') {
    want = "[]string";
    const Json::Array& list = json.as_array();
    fits = value.is_list() &&
           std::all_of(list.begin(), list.end(), [](const Json& j) { return j.is_string(); });
  }
  if (fits) return {};
  if (!value.exists()) return at(node, fmt::format("invalid value; expected {}", want));
  return at(node, fmt::format("wrong type for value; expected {}; got {}", want,
                              value.is_nil() ? "interface {}" : go_type(json)));
}

// The value of a node by itself.
Result<Value> Execution::operand(const Value& dot, const Node& node) {
  switch (node.kind) {
    case NodeKind::Dot:
      return dot;
    case NodeKind::Constant:
    case NodeKind::Nil:
      return Value::borrowed(node.value);
    case NodeKind::Pipe:
      return pipeline(dot, node);
    case NodeKind::Field:
      return fields(dot, dot, node, 0, nullptr, nullptr);
    case NodeKind::Variable: {
      const Value start = TRY(value_of(node));
      return fields(dot, start, node, 1, nullptr, nullptr);
    }
    case NodeKind::Chain: {
      const Value start = TRY(operand(dot, node.children[0]));
      return fields(dot, start, node, 0, nullptr, nullptr);
    }
    default:
      return at(node, fmt::format("can't handle {}", node.str()));
  }
}

// node.names from `first` on, one in the other. With `call` the last of them may be a method: the
// operands of that command are its arguments.
Result<Value> Execution::fields(const Value& dot, Value receiver, const Node& node,
                                std::size_t first, const Node* call, const Value* piped) {
  for (std::size_t i = first; i < node.names.size(); i++) {
    const bool last = i + 1 == node.names.size();
    if (last && call != nullptr && (call->children.size() > 1 || piped != nullptr)) {
      return method(dot, receiver, node.names[i], node, *call, piped);
    }
    receiver = TRY(field(receiver, node.names[i], node));
  }
  return receiver;
}

Result<Value> Execution::field(const Value& receiver, const std::string& name, const Node& node) {
  TRY(step(node));
  const bool strict = options_.missing_key == MissingKey::Error;
  if (!receiver.exists()) {
    if (strict) return at(node, "nil data; no entry for key " + go_quote(name));
    return Value();
  }
  if (receiver.is_nil()) {
    return at(node, fmt::format("nil pointer evaluating interface {{}}.{}", name));
  }
  if (const Json* found = receiver.json().find(name); found != nullptr) {
    Value value = receiver.part(*found);
    value.member = true;
    if (options_.kind_of) value.kind = options_.kind_of(name);
    return value;
  }
  if (receiver.is_map() && !is_root_struct(receiver)) {
    if (!strict || receiver.kind == GoKind::Map) return Value();
    return at(node, "map has no entry for key " + go_quote(name));
  }
  const std::string_view type = is_root_struct(receiver) ? options_.root_type
                                : receiver.member        ? "interface {}"
                                                         : go_type(receiver.json());
  return at(node, fmt::format("can't evaluate field {} in type {}", name, type));
}

Result<Value> Execution::method(const Value& dot, const Value& receiver, const std::string& name,
                                const Node& node, const Node& call, const Value* piped) {
  std::vector<Json> args;
  for (std::size_t i = 1; i < call.children.size(); i++) {
    const Value arg = TRY(argument(dot, call.children[i], 'a'));
    args.push_back(arg.json());
  }
  if (piped != nullptr) args.push_back(piped->json());
  if (options_.method && &receiver.json() == &data_) {
    auto value = options_.method(name, args);
    if (value) return Value::made(*std::move(value));
    if (value.error().code() != ErrorCode::NotFound) {
      return at(call, fmt::format("error calling {}: {}", name, value.error().message()));
    }
  }
  TRY(field(receiver, name, node));
  return at(node, is_root_struct(receiver)
                      ? name + " has arguments but cannot be invoked as function"
                      : name + " is not a method but has arguments");
}

}  // namespace

GoTemplate::GoTemplate(std::unique_ptr<const Tree> tree) : tree_(std::move(tree)) {}
GoTemplate::GoTemplate(GoTemplate&&) noexcept = default;
GoTemplate& GoTemplate::operator=(GoTemplate&&) noexcept = default;
GoTemplate::~GoTemplate() = default;

Result<GoTemplate> GoTemplate::parse(std::string_view text) {
  Tree tree = TRY(parse_template(text));
  return GoTemplate(std::make_unique<const Tree>(std::move(tree)));
}

Result<void> GoTemplate::execute(const Json& data, std::string& out,
                                 const TemplateOptions& options) const {
  return Execution(*tree_, data, options, out).run();
}

Error template_error(Error error) {
  error.add_context("template parsing error");
  return error;
}

GoKind docker_field_kind(std::string_view field) {
  constexpr std::string_view kMaps[] = {"Annotations",  "BuildArgs",    "Data",       "DriverOpts",
                                        "ExposedPorts", "Labels",       "Networks",   "Options",
                                        "Ports",        "PortBindings", "StorageOpt", "Sysctls",
                                        "Tmpfs",        "Volumes"};
  constexpr std::string_view kLists[] = {"Aliases",
                                         "Args",
                                         "Binds",
                                         "BlkioDeviceReadBps",
                                         "BlkioDeviceReadIOps",
                                         "BlkioDeviceWriteBps",
                                         "BlkioDeviceWriteIOps",
                                         "BlkioWeightDevice",
                                         "CapAdd",
                                         "CapDrop",
                                         "Cmd",
                                         "DeviceCgroupRules",
                                         "DeviceRequests",
                                         "Devices",
                                         "Dns",
                                         "DnsOptions",
                                         "DnsSearch",
                                         "Entrypoint",
                                         "Env",
                                         "ExecIDs",
                                         "ExtraHosts",
                                         "GroupAdd",
                                         "Layers",
                                         "Links",
                                         "MaskedPaths",
                                         "Mounts",
                                         "OnBuild",
                                         "ReadonlyPaths",
                                         "RepoDigests",
                                         "RepoTags",
                                         "SecondaryIPAddresses",
                                         "SecondaryIPv6Addresses",
                                         "SecurityOpt",
                                         "Shell",
                                         "Ulimits",
                                         "VolumesFrom"};
  const auto in = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), field) != std::end(names);
  };
  if (in(kMaps)) return GoKind::Map;
  return in(kLists) ? GoKind::List : GoKind::Other;
}

}  // namespace strata::cli
