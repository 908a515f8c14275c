// Every operator of libtorch through the dispatcher, boxed: looked up once by name, defaults from its schema.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <sstream>
#include <unordered_map>

#include "engine.h"

namespace engine {
namespace {

struct Operator {
  c10::OperatorHandle handle;
  const c10::FunctionSchema &schema;
};

struct UnknownOperator : std::runtime_error {
  using std::runtime_error::runtime_error;
};

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
  return {*handle, handle->schema()};
}

/// Keyed by the address of the name, which lives forever.
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
      if (kind == c10::TypeKind::TensorType) return at::Tensor();
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

void append(const c10::IValue &value, ct_value *results, int32_t capacity, int32_t &count) {
  auto next = [&]() -> ct_value & {
    TORCH_CHECK(count < capacity, "more results than expected (", capacity, ")");
    auto &slot = results[count++];
    slot = {};
    return slot;
  };
  if (value.isTensor()) {
    auto &slot = next();
    slot.tag = value.toTensor().defined() ? CT_TENSOR : CT_NONE;
    if (slot.tag == CT_TENSOR) slot.tensor = own(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor &tensor : value.toTensorList()) append(tensor, results, capacity, count);
  } else if (value.isInt()) {
    auto &slot = next();
    slot.tag = CT_INT;
    slot.i = value.toInt();
  } else if (value.isDouble()) {
    auto &slot = next();
    slot.tag = CT_DOUBLE;
    slot.d = value.toDouble();
  } else if (value.isBool()) {
    auto &slot = next();
    slot.tag = CT_BOOL;
    slot.i = value.toBool();
  } else if (value.isScalar()) {
    auto &slot = next();
    slot.tag = CT_DOUBLE;
    slot.d = value.toScalar().toDouble();
  } else {
    next().tag = CT_NONE;
  }
}

void call(const Operator &op, const ct_arguments &call, ct_value *results, int32_t capacity, int32_t *count) {
  const auto &parameters = op.schema.arguments();
  torch::jit::Stack stack;
  stack.reserve(parameters.size());
  int32_t positional = 0;
  while (positional < call.count && !call.values[positional].name) positional++;
  TORCH_CHECK(positional <= static_cast<int32_t>(parameters.size()), "expected at most ", parameters.size(),
              " arguments, got ", positional);
  int32_t used = positional;
  for (size_t k = 0; k < parameters.size(); k++) {
    const auto &parameter = parameters[k];
    if (static_cast<int32_t>(k) < positional) {
      stack.push_back(convert(call.values[k], call, parameter));
      continue;
    }
    const ct_value *named = nullptr;
    for (int32_t n = positional; n < call.count; n++)
      if (parameter.name() == call.values[n].name) named = &call.values[n];
    if (named) {
      stack.push_back(convert(*named, call, parameter));
      used++;
    } else {
      TORCH_CHECK(parameter.default_value(), "argument ", parameter.name(), " is missing");
      stack.push_back(*parameter.default_value());
    }
  }
  TORCH_CHECK(used == call.count, "an argument has a name that the operator does not know");
  op.handle.callBoxed(stack);
  *count = 0;
  for (const auto &value : stack) append(value, results, capacity, *count);
}

}  // namespace

void fill_calls(ct_api &api) {
  api.call = [](const char *name, const ct_arguments *arguments, ct_value *results, int32_t capacity,
                int32_t *count) {
    bool unknown = false;
    *count = 0;
    auto status = guard([&] {
      try {
        call(lookup(name), *arguments, results, capacity, count);
      } catch (const UnknownOperator &) {
        unknown = true;
        throw;
      }
    });
    return unknown ? CT_NO_OPERATOR : status;
  };
  api.schema = [](const char *name, const char **text) {
    bool unknown = false;
    auto status = guard([&] {
      try {
        thread_local std::string schema;
        std::ostringstream stream;
        stream << find(name).schema;
        schema = stream.str();
        *text = schema.c_str();
      } catch (const UnknownOperator &) {
        unknown = true;
        throw;
      }
    });
    return unknown ? CT_NO_OPERATOR : status;
  };
}

}  // namespace engine
