// Every operator of libtorch through the dispatcher, boxed: looked up once by name, defaults from its schema.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine.h"

namespace engine {
namespace {

struct Operator {
  c10::OperatorHandle handle;
  const c10::FunctionSchema &schema;
  bool writes;
};

/// Whether an operator writes to this argument or to its elements.
bool is_written(const c10::Argument &argument) {
  const auto *alias = argument.alias_info();
  if (!alias) return false;
  const auto &elements = alias->containedTypes();
  return alias->isWrite() || std::any_of(elements.begin(), elements.end(), [](auto &one) { return one.isWrite(); });
}

Operator find(const std::string &text) {
  // "add.Tensor" is overload Tensor of add; without a namespace it is aten's.
  std::string name = text, overload;
  auto colons = name.find("::");
  auto dot = name.find('.', colons == std::string::npos ? 0 : colons);
  if (dot != std::string::npos) {
    overload = name.substr(dot + 1);
    name = name.substr(0, dot);
  }
  if (colons == std::string::npos) name = "aten::" + name;
  auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!handle) throw UnknownOperator("the engine has no operator " + text);
  const auto &arguments = handle->schema().arguments();
  return {*handle, handle->schema(), std::any_of(arguments.begin(), arguments.end(), is_written)};
}

/// Keyed by the address of the name, which is valid for the lifetime of the process.
const Operator &lookup(const char *name) {
  thread_local std::unordered_map<const char *, Operator> cache;
  auto found = cache.find(name);
  if (found == cache.end()) found = cache.emplace(name, find(name)).first;
  return found->second;
}

[[noreturn]] void mismatch(const c10::Argument &argument, const char *got) {
  TORCH_CHECK(false, "argument ", argument.name(), ": expected ", argument.type()->str(), ", got ", got);
}

c10::IValue convert(const ct_value &value, const ct_arguments &call, const c10::Argument &argument) {
  auto type = argument.type();
  bool optional = type->kind() == c10::TypeKind::OptionalType;
  if (optional) type = type->castRaw<c10::OptionalType>()->getElementType();
  auto kind = type->kind();
  switch (value.tag) {
    case CT_NONE:
      if (!optional) mismatch(argument, "nothing");
      return {};
    case CT_DEFAULT:
      if (!argument.default_value()) mismatch(argument, "nothing, and it has no default");
      return *argument.default_value();
    case CT_TENSOR:
      if (kind != c10::TypeKind::TensorType) mismatch(argument, "a tensor");
      return get(value.tensor);
    case CT_INT:
      if (kind == c10::TypeKind::FloatType) return static_cast<double>(value.i);
      if (kind == c10::TypeKind::ListType) return c10::List<int64_t>(std::vector<int64_t>(argument.N().value_or(1), value.i));
      return value.i;
    case CT_DOUBLE:
      if (kind == c10::TypeKind::IntType || kind == c10::TypeKind::SymIntType) mismatch(argument, "a floating-point number");
      return value.d;
    case CT_BOOL:
      return value.i != 0;
    case CT_STRING:
      return std::string(call.text + value.i, value.count);
    case CT_INTS: {
      if (kind == c10::TypeKind::ListType &&
          type->castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::FloatType) {
        c10::List<double> list;
        for (int k = 0; k < value.count; k++) list.push_back(static_cast<double>(call.ints[value.i + k]));
        return list;
      }
      c10::List<int64_t> list;
      list.reserve(value.count);
      for (int k = 0; k < value.count; k++) list.push_back(call.ints[value.i + k]);
      return list;
    }
    case CT_DOUBLES: {
      c10::List<double> list;
      for (int k = 0; k < value.count; k++) list.push_back(call.doubles[value.i + k]);
      return list;
    }
    case CT_BOOLS: {
      c10::List<bool> list;
      for (int k = 0; k < value.count; k++) list.push_back(call.ints[value.i + k] != 0);
      return list;
    }
    case CT_TENSORS: {
      if (kind != c10::TypeKind::ListType) mismatch(argument, "a list of tensors");
      if (type->castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::OptionalType) {
        c10::List<std::optional<at::Tensor>> list;
        for (int k = 0; k < value.count; k++) {
          auto handle = call.tensors[value.i + k];
          list.push_back(handle ? std::optional<at::Tensor>(get(handle)) : std::nullopt);
        }
        return list;
      }
      c10::List<at::Tensor> list;
      list.reserve(value.count);
      for (int k = 0; k < value.count; k++) list.push_back(get_or_none(call.tensors[value.i + k]));
      return list;
    }
    case CT_DEVICE:
      return device(static_cast<int32_t>(value.i), value.count);
    case CT_GENERATOR:
      return get(value.generator);
  }
  mismatch(argument, "an argument of unknown kind");
}

void collect(const c10::IValue &value, std::vector<at::Tensor> &results) {
  if (value.isTensor()) {
    results.push_back(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor &tensor : value.toTensorList()) results.push_back(tensor);
  } else if (value.isNone()) {
    results.emplace_back();
  } else {
    TORCH_CHECK(false, "gives a result of type ", value.tagKind(), ", not a tensor");
  }
}

/// The tensors that an operator is about to write to, with their versions. Only the fused optimizers
/// do not increment versions; without this, values derived from the old ones, such as packed weights, would seem current.
std::vector<std::pair<at::Tensor, int64_t>> written(const Operator &op, const torch::jit::Stack &stack) {
  std::vector<std::pair<at::Tensor, int64_t>> found;
  auto add = [&](const at::Tensor &tensor) {
    if (tensor.defined() && !tensor.is_inference()) found.emplace_back(tensor, tensor._version());
  };
  const auto &parameters = op.schema.arguments();
  for (size_t k = 0; k < stack.size(); k++) {
    if (!is_written(parameters[k])) continue;
    if (stack[k].isTensor()) add(stack[k].toTensor());
    else if (stack[k].isTensorList()) for (const at::Tensor &tensor : stack[k].toTensorList()) add(tensor);
  }
  return found;
}

void call(const Operator &op, const ct_arguments &call, ct_tensor *results, int32_t result_count) {
  const auto &parameters = op.schema.arguments();
  // By position, then by name.
  c10::SmallVector<const ct_value *, 16> given(parameters.size(), nullptr);
  for (int32_t k = 0; k < call.count; k++) {
    const auto &value = call.values[k];
    auto place = value.name ? op.schema.argumentIndexWithName(value.name) : std::optional<int>(k);
    TORCH_CHECK(place, "there is no argument ", value.name);
    TORCH_CHECK(*place < static_cast<int>(given.size()), "expected at most ", given.size(), " arguments");
    TORCH_CHECK(!given[*place], "argument ", value.name, " is there twice");
    given[*place] = &value;
  }
  torch::jit::Stack stack;
  stack.reserve(given.size());
  for (size_t k = 0; k < given.size(); k++)
    stack.push_back(convert(given[k] ? *given[k] : ct_value{.tag = CT_DEFAULT}, call, parameters[k]));
  const auto before = op.writes ? written(op, stack) : decltype(written(op, stack))();
  op.handle.callBoxed(stack);
  for (const auto &[tensor, version] : before)
    if (tensor._version() == version) tensor.unsafeGetTensorImpl()->bump_version();
  // Transferred to the caller only after everything has succeeded.
  std::vector<at::Tensor> tensors;
  for (const auto &value : stack) collect(value, tensors);
  TORCH_CHECK(static_cast<int32_t>(tensors.size()) == result_count, "expected ", result_count, " results, got ",
              tensors.size());
  for (auto &tensor : tensors) *results++ = tensor.defined() ? own(std::move(tensor)) : nullptr;
}

}  // namespace

void fill_calls(ct_api &api) {
  api.call = [](const char *name, const ct_arguments *arguments, ct_tensor *results, int32_t result_count) noexcept {
    return guard([&] { call(lookup(name), *arguments, results, result_count); });
  };
  api.schema = [](const char *name, const char **text) noexcept {
    return guard([&] {
      thread_local std::string schema;
      std::ostringstream stream;
      stream << find(name).schema;
      schema = stream.str();
      *text = schema.c_str();
    });
  };
}

}  // namespace engine
