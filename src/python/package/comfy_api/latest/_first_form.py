"""A V3 class seen as one of the first form: for callers that know INPUT_TYPES, RETURN_TYPES and FUNCTION."""


class _FromSchema:
    """An attribute of the class that its schema tells."""

    def __init__(self, read):
        self._read = read

    def __get__(self, instance, cls):
        return self._read(cls.GET_SCHEMA())


class FirstForm:
    FUNCTION = "EXECUTE_NORMALIZED"
    CATEGORY = _FromSchema(lambda schema: schema.category)
    DESCRIPTION = _FromSchema(lambda schema: schema.description)
    RETURN_TYPES = _FromSchema(lambda schema: [one.get_io_type() for one in schema.outputs])
    RETURN_NAMES = _FromSchema(lambda schema: [one.display_name or one.get_io_type() for one in schema.outputs])
    OUTPUT_IS_LIST = _FromSchema(lambda schema: [one.is_output_list for one in schema.outputs])
    OUTPUT_NODE = _FromSchema(lambda schema: schema.is_output_node)
    INPUT_IS_LIST = _FromSchema(lambda schema: schema.is_input_list)
    DEPRECATED = _FromSchema(lambda schema: schema.is_deprecated)
    EXPERIMENTAL = _FromSchema(lambda schema: schema.is_experimental)

    @classmethod
    def INPUT_TYPES(cls):
        schema = cls.GET_SCHEMA()
        told = {"required": {}, "optional": {}}
        for one in schema.inputs:
            told["optional" if one.optional else "required"][one.id] = tuple(one.spec())
        if schema.hidden:
            told["hidden"] = {kind.name: (kind.value,) for kind in schema.hidden}
        return {section: entries for section, entries in told.items() if entries or section == "required"}

    @classmethod
    def EXECUTE_NORMALIZED(cls, *args, **kwargs):
        return cls.execute(*args, **kwargs)
