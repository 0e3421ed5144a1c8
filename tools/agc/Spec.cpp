#include "tools/agc/Spec.h"

#include "tools/agc/Command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/core.h>
#include <limits>

namespace attn_grid::agc {

/// The parts of `text` between the separators; one part if there is none.
static std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

template <typename T> static std::optional<T> parseNumber(std::string_view s) {
  T value{};
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (s.empty() || error != std::errc() || end != s.data() + s.size())
    return std::nullopt;
  return value;
}

std::optional<Scalar> parseScalar(std::string_view text) {
  if (text == "true")
    return Scalar(true);
  if (text == "false")
    return Scalar(false);
  if (text.starts_with('+'))
    text.remove_prefix(1);
  if (auto integer = parseNumber<int64_t>(text))
    return Scalar(*integer);
  if (auto number = parseNumber<double>(text))
    return Scalar(*number);
  return std::nullopt;
}

/// `2x8x64`, or nothing between the colons for rank 0.
static Dims parseShape(std::string_view text, std::string_view spec) {
  Dims shape;
  if (text.empty())
    return shape;
  for (std::string_view part : split(text, 'x')) {
    std::optional<int64_t> extent = parseNumber<int64_t>(part);
    if (!extent || *extent < 0)
      throw UsageError(fmt::format(
          "'{}': expected a shape such as 2x8x1024x64, but got '{}'", spec,
          text));
    if (shape.rank() == max_rank)
      throw UsageError(fmt::format("'{}': a tensor has at most {} dimensions",
                                   spec, max_rank));
    shape.push_back(*extent);
  }
  return shape;
}

/// `transpose=1,2`, the `@` gone; nothing if no view has that name.
static std::optional<ViewSpec> parseView(std::string_view text,
                                         std::string_view spec) {
  struct Form {
    std::string_view name;
    ViewSpec::Kind kind;
    size_t least, most;
    char separator;
    std::string_view usage;
  };
  static constexpr std::array forms{
      Form{"transpose", ViewSpec::Kind::transpose, 2, 2, ',', "DIM,DIM"},
      Form{"expand", ViewSpec::Kind::expand, 0, max_rank, 'x', "SHAPE"},
      Form{"select", ViewSpec::Kind::select, 2, 2, ',', "DIM,INDEX"},
      Form{"slice", ViewSpec::Kind::slice, 3, 4, ',', "DIM,BEGIN,END[,STEP]"},
  };
  size_t equals = text.find('=');
  auto form = std::find_if(forms.begin(), forms.end(), [&](const Form &form) {
    return form.name == text.substr(0, equals);
  });
  if (form == forms.end() || equals == std::string_view::npos)
    return std::nullopt;
  ViewSpec view{form->kind, {}};
  bool fits = true;
  for (std::string_view part :
       split(text.substr(equals + 1), form->separator)) {
    std::optional<int64_t> number = parseNumber<int64_t>(part);
    fits &= number.has_value();
    view.numbers.push_back(number.value_or(0));
  }
  if (!fits || view.numbers.size() < form->least ||
      view.numbers.size() > form->most)
    throw UsageError(fmt::format("'{}': expected @{}={}, but got '@{}'", spec,
                                 form->name, form->usage, text));
  return view;
}

/// Takes the views off the end. A file's name may contain an `@` that begins
/// none.
static std::string_view takeViews(std::string_view text,
                                  std::vector<ViewSpec> &views) {
  std::string_view rest = text;
  for (size_t at = rest.rfind('@'); at != std::string_view::npos;
       at = rest.rfind('@')) {
    std::optional<ViewSpec> view = parseView(rest.substr(at + 1), text);
    if (!view)
      break;
    views.insert(views.begin(), std::move(*view));
    rest = rest.substr(0, at);
  }
  return rest;
}

static std::optional<Spec::Kind> makerNamed(std::string_view name) {
  if (name == "randn")
    return Spec::Kind::randn;
  if (name == "uniform")
    return Spec::Kind::uniform;
  if (name == "zeros")
    return Spec::Kind::zeros;
  if (name == "ones")
    return Spec::Kind::ones;
  if (name == "iota")
    return Spec::Kind::iota;
  return std::nullopt;
}

/// `NAME[:SHAPE[:DTYPE[:LOW:HIGH]]]`.
static void parseMaker(Spec &spec, const std::vector<std::string_view> &parts) {
  bool hasRange = parts.size() == 5 && spec.kind == Spec::Kind::uniform;
  if (parts.size() > 3 && !hasRange)
    throw UsageError(
        fmt::format("'{}': expected {}:SHAPE:DTYPE{}", spec.text, parts[0],
                    spec.kind == Spec::Kind::uniform ? "[:LOW:HIGH]" : ""));
  if (parts.size() > 1)
    spec.shape = parseShape(parts[1], spec.text);
  if (parts.size() > 2) {
    spec.dtype = dtype_named(parts[2]);
    if (!spec.dtype)
      throw UsageError(fmt::format(
          "'{}': expected a dtype such as f32 or bf16, but got '{}'", spec.text,
          parts[2]));
  }
  if (hasRange) {
    std::optional<double> low = parseNumber<double>(parts[3]);
    std::optional<double> high = parseNumber<double>(parts[4]);
    if (!low || !high || !(*low <= *high))
      throw UsageError(
          fmt::format("'{}': expected two numbers LOW:HIGH, LOW not above HIGH",
                      spec.text));
    spec.low = *low;
    spec.high = *high;
  }
}

Spec parseSpec(std::string_view text) {
  Spec spec;
  spec.text = text;
  if (text == "none")
    return spec;
  if (std::optional<Scalar> scalar = parseScalar(text)) {
    spec.kind = Spec::Kind::scalar;
    spec.scalar = *scalar;
    return spec;
  }
  std::string_view rest = takeViews(text, spec.views);
  if (rest.ends_with(".npy")) {
    spec.kind = Spec::Kind::file;
    spec.path = rest;
    return spec;
  }
  std::vector<std::string_view> parts = split(rest, ':');
  std::optional<Spec::Kind> maker = makerNamed(parts[0]);
  if (!maker)
    throw UsageError(fmt::format(
        "'{}': expected FILE.npy, a number, `none`, or randn, uniform, zeros, "
        "ones or iota with :SHAPE:DTYPE",
        text));
  spec.kind = *maker;
  parseMaker(spec, parts);
  return spec;
}

static Tensor applyView(const Tensor &tensor, const ViewSpec &view) {
  // Numbers that no dimension has are refused by the runtime, which takes int.
  auto dim = [&](size_t i) {
    return static_cast<int>(
        std::clamp<int64_t>(view.numbers[i], -max_rank - 1, max_rank));
  };
  switch (view.kind) {
  case ViewSpec::Kind::transpose:
    return tensor.transpose(dim(0), dim(1));
  case ViewSpec::Kind::expand:
    return tensor.expand(Dims(view.numbers));
  case ViewSpec::Kind::select:
    return tensor.select(dim(0), view.numbers[1]);
  case ViewSpec::Kind::slice:
    return tensor.slice(dim(0), view.numbers[1], view.numbers[2],
                        view.numbers.size() > 3 ? view.numbers[3] : 1);
  }
  return tensor;
}

static Tensor makeBase(const Spec &spec, DType dtype, uint64_t seed,
                       Device device) {
  Dims shape = spec.shape.value_or(Dims());
  switch (spec.kind) {
  case Spec::Kind::file:
    return Tensor::from_npy(spec.path, device);
  case Spec::Kind::randn:
    return Tensor::randn(shape, dtype, device, seed);
  case Spec::Kind::uniform:
    return Tensor::uniform(shape, dtype, device, seed, spec.low, spec.high);
  case Spec::Kind::zeros:
    return Tensor::zeros(shape, dtype, device);
  case Spec::Kind::ones:
    return Tensor::ones(shape, dtype, device);
  case Spec::Kind::iota:
    return Tensor::iota(shape, dtype, device);
  case Spec::Kind::absent:
  case Spec::Kind::scalar:
    break;
  }
  throw UsageError(fmt::format("'{}' is not a tensor", spec.text));
}

Tensor makeTensor(const Spec &spec, DType dtype, uint64_t seed, Device device,
                  bool convertFile) {
  Tensor tensor = makeBase(spec, dtype, seed, device);
  if (convertFile && tensor.dtype() != dtype)
    tensor = tensor.convert(dtype);
  for (const ViewSpec &view : spec.views)
    tensor = applyView(tensor, view);
  return tensor;
}

} // namespace attn_grid::agc
