#pragma once
#include "ccodecs_zlib.h"
