"""What looks into the objects of the host: frames, the heap, other tasks, running threads."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_OBJECTS = Meaning("reflection", "critical", "", "reaches every object of the host", "dangerous")
_FRAMES = _OBJECTS._replace(does="looks into the frames of running threads")
#: To name the caller in a log is ordinary; to read its variables is seen where that is done.
_CALLER = Meaning("reflection", "medium", "", "looks at its caller's frame")
_INSIDE = _OBJECTS._replace(severity="high", does="looks into objects that are not its own")
_TASKS = _INSIDE._replace(severity="medium", does="looks at the host's other tasks", factor="")
_MODULES = Meaning("reflection", "low", "", "looks at the modules that are loaded")
_DUMPS = _INSIDE._replace(severity="medium", does="writes out what the threads do", factor="")

TABLE: Table = (
    (
        _OBJECTS,
        """
        gc: get_objects get_referrers get_referents
        objgraph pympler guppy memory_profiler meliae
        builtins.type.__subclasses__
        builtins.object.__subclasses__
        __main__
        """,
    ),
    (
        _FRAMES,
        """
        sys: _current_frames _current_exceptions
        inspect: getinnerframes getouterframes

        sys._getframe().f_globals sys._getframe().f_builtins sys._getframe().f_locals
        sys._getframe().f_back.f_globals sys._getframe().f_back.f_locals
        sys._getframe().f_back.f_builtins
        inspect.currentframe().f_globals inspect.currentframe().f_builtins
        inspect.currentframe().f_back.f_globals inspect.currentframe().f_back.f_builtins
        inspect.currentframe().f_back.f_locals
        *.f_globals *.f_builtins *.gi_frame *.cr_frame *.ag_frame
        asyncio.all_tasks().get_coro asyncio.all_tasks().get_stack
        """,
    ),
    (
        _CALLER,
        """
        sys._getframe sys._getframemodulename
        inspect: currentframe stack trace
        traceback: walk_stack
        """,
    ),
    (
        _INSIDE,
        """
        inspect: getclosurevars getgeneratorlocals getcoroutinelocals getasyncgenlocals
        inspect: getargvalues
        """,
    ),
    (
        _TASKS,
        """
        asyncio: all_tasks tasks.all_tasks tasks._all_tasks print_call_graph capture_call_graph
        asyncio: future_add_to_awaited_by
        """,
    ),
    (_MODULES, "sys: modules threading: enumerate _active"),
    (
        _DUMPS,
        "faulthandler: dump_traceback dump_traceback_later register enable dump_c_stack",
    ),
    (
        None,
        """
        gc: collect enable isenabled get_count get_stats get_threshold is_tracked is_finalized
        inspect: getdoc getmembers isclass isfunction getsource getmodule
        """,
    ),
)
