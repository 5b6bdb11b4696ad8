"""Selections by the rules of the GraphQL specification (section 6.3.2): merged, conditional, typed."""

from collections.abc import Iterable, Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    is_abstract_type,
)
from graphql.execution.values import VariableValues, get_directive_values

Fields = dict[str, list[FieldNode]]


class Selections:
    """Collects the fields of selection sets in one operation with given variables."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: VariableValues
    ) -> None:
        self.schema = schema
        self.variables = variables
        self.fragments = fragments

    def of(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> Fields:
        """The fields that an object of `type_` answers for the selection sets, by response key, in order."""
        fields: Fields = {}
        visited: set[str] = set()
        for selection_set in sets:
            self._visit(type_, selection_set, fields, visited)
        return fields

    def below(self, type_: GraphQLObjectType, nodes: Iterable[FieldNode]) -> Fields:
        """As `of`, for the selection sets of merged fields."""
        return self.of(type_, [node.selection_set for node in nodes if node.selection_set is not None])

    def _visit(
        self, type_: GraphQLObjectType, selection_set: SelectionSetNode, fields: Fields, visited: set[str]
    ) -> None:
        for node in selection_set.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                fields.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value, type_):
                    self._visit(type_, node.selection_set, fields, visited)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self.fragments[name]
                if name not in visited and self._applies(fragment.type_condition.name.value, type_):
                    visited.add(name)
                    self._visit(type_, fragment.selection_set, fields, visited)

    def _applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        conditional = self.schema.type_map[condition]
        return is_abstract_type(conditional) and self.schema.is_sub_type(conditional, type_)

    def _included(self, node: FieldNode | InlineFragmentNode | FragmentSpreadNode | object) -> bool:
        if not getattr(node, "directives", None):
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)  # type: ignore[arg-type] # any node
        if skip and skip["if"] is True:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)  # type: ignore[arg-type]
        return not include or include["if"] is True
