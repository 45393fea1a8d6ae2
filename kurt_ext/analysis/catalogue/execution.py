"""What runs code that is text or data: evaluation, debuggers, templates, expressions."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_RUNS = Meaning("code_execution", "critical", "", "runs code", "dangerous", "code", 0)
_SOURCE = _RUNS._replace(word="source")
_STATEMENT = _RUNS._replace(word="stmt")
_PATH = _RUNS._replace(does="runs a file as code", subject="path", word="path_name")
_MODULE = _RUNS._replace(does="runs a module as a program", subject="module", word="mod_name")
_ANY = _RUNS._replace(subject="", argument=None)
#: Made where everybody looks for the danger; what it is given decides.
_MAKES = _ANY._replace(does="makes functions out of bytecode")
#: Ordinary by itself; whether an annotation is text that does something is the evaluator's to see.
_HINTS = _ANY._replace(does="runs annotations that are text as code", severity="low", factor="")
_EXPRESSION = _RUNS._replace(does="evaluates text as an expression", severity="high")
_TEMPLATE = _RUNS._replace(
    does="makes a template out of text, which can reach Python's objects", severity="high"
)
_CONFIGURES = _ANY._replace(
    does="calls what a configuration names",
    condition="names:0/config",
    otherwise=Meaning("host_tamper", "medium", "", "changes the host's logging"),
)

TABLE: Table = (
    (
        _SOURCE,
        """
        builtins: eval exec compile
        code: InteractiveInterpreter().runsource InteractiveInterpreter().runcode
        code: InteractiveConsole().push InteractiveConsole().runsource InteractiveConsole().runcode
        code: compile_command
        codeop: compile_command Compile CommandCompiler
        *.runsource *.runcode
        """,
    ),
    (
        _ANY,
        """
        code codeop
        code: interact InteractiveInterpreter InteractiveConsole
        pdb bdb
        pdb: set_trace post_mortem Pdb runcall pm
        bdb: Bdb set_trace
        builtins.breakpoint
        sys: breakpointhook _baserepl
        IPython bpython ptpython ptipython
        _interpreters _xxsubinterpreters interpreters
        concurrent.interpreters
        _testcapi _testinternalcapi
        lib2to3
        rlcompleter
        test.support.script_helper
        _pyrepl
        RestrictedPython
        pyximport
        numba.core cython Cython
        execjs js2py quickjs dukpy py_mini_racer lupa
        langchain_experimental
        py4j jpype jnius rpy2
        """,
    ),
    (
        _STATEMENT,
        """
        timeit: timeit repeat Timer default_repeat
        cProfile: run runctx Profile().run Profile().runctx
        profile: run runctx Profile().run Profile().runctx
        trace: Trace().run Trace().runctx
        pdb: run runeval Pdb().run Pdb().runeval Pdb().runctx
        bdb: Bdb().run Bdb().runeval Bdb().runctx
        doctest: debug_script
        torch.utils.benchmark.Timer
        """,
    ),
    (_PATH, "runpy: run_path _run_code _run_module_code"),
    (_MODULE, "runpy: run_module _run_module_as_main"),
    (_ANY, "runpy"),
    (
        _ANY._replace(does="runs examples in text as code", severity="high"),
        """
        doctest: testmod testfile run_docstring_examples testsource DocTestRunner DocTestSuite
        doctest: DocFileSuite debug debug_src DebugRunner
        """,
    ),
    (
        _MAKES,
        """
        types: CodeType FunctionType LambdaType
        builtins.function
        sys.activate_stack_trampoline
        bytecode.Bytecode byteplay
        """,
    ),
    (
        _HINTS,
        """
        typing: get_type_hints _eval_type ForwardRef ForwardRef().evaluate ForwardRef()._evaluate
        typing: evaluate_forward_ref
        typing_extensions: get_type_hints evaluate_forward_ref
        annotationlib: get_annotations ForwardRef call_evaluate_function call_annotate_function
        """,
    ),
    (
        _HINTS._replace(condition="if:eval_str=True", called=True),
        "inspect: get_annotations signature",
    ),
    (
        _EXPRESSION,
        """
        numexpr: evaluate re_evaluate
        sympy: sympify S parse_expr lambdify
        sympy.core.sympify.sympify
        sympy.parsing.sympy_parser: parse_expr eval_expr
        sympy.utilities.lambdify.lambdify
        simpleeval asteval
        asteval.Interpreter
        RestrictedPython.compile_restricted
        pandas.eval pandas.core.computation.eval.eval
        dask.dataframe.eval
        polars.SQLContext
        duckdb: sql query execute
        """,
    ),
    (
        _TEMPLATE,
        """
        mako mako.template.Template mako.lookup.TemplateLookup
        tornado.template
        chameleon
        genshi
        Cheetah
        bottle: template SimpleTemplate
        web.template
        """,
    ),
    (
        # Jinja's own sandbox aside, a fixed template is ordinary: the text decides.
        _TEMPLATE._replace(severity="critical", word="source", called=True),
        """
        jinja2: Template
        jinja2: Environment().from_string
        jinja2: nativetypes.NativeEnvironment nativetypes.NativeTemplate
        """,
    ),
    (
        _CONFIGURES,
        """
        logging.config: dictConfig fileConfig DictConfigurator BaseConfigurator
        logging.config: _resolve _install_handlers _create_formatters
        hydra.utils: instantiate call get_class get_method get_object
        """,
    ),
    (
        _ANY._replace(category="network", does="takes configurations from the network"),
        "logging.config: listen",
    ),
    (
        _ANY._replace(does="compiles and runs code it is given"),
        """
        torch: jit.CompilationUnit
        triton.compile
        numba: carray
        cppyy
        scipy.weave weave
        xonsh
        coconut
        hy.eval
        """,
    ),
    (
        None,
        """
        timeit: default_timer reindent template
        code: __doc__
        cProfile: Profile
        profile: Profile
        trace: Trace CoverageResults
        sympy: core.numbers
        pdb: Restart
        codeop: PyCF_DONT_IMPLY_DEDENT PyCF_ALLOW_INCOMPLETE_INPUT
        simpleeval: InvalidExpression NameNotDefined FunctionNotDefined
        IPython.display
        mako.exceptions
        tornado.template.ParseError
        test.support
        """,
    ),
)
