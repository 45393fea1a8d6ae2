# ruff: noqa
# fmt: off
state = loader.get_plugin_state("com.example.calculator")
result = await state.instance.calculate("2 + 2")
