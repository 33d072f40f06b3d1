"""vLLM takes seconds to import; only these tests pay for it."""

from tests.support.vllm_import import import_vllm

import_vllm()
