#include <ATen/core/dispatch/Dispatcher.h>
