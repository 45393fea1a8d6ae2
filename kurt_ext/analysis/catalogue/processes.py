"""What starts, replaces or ends programs, and what runs in another process."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_STARTS = Meaning(
    "process", "critical", "processes", "starts a program", "dangerous", "program", 0, "args"
)
_ANY = _STARTS._replace(subject="", argument=None, word="")
_COMMAND = _STARTS._replace(word="command")
_SECOND = _STARTS._replace(argument=1)
_SHELL = _STARTS._replace(does="runs a command of the shell", word="cmd")
_FORKS = _ANY._replace(does="makes a copy of the host's process", severity="critical")
_ENDS = _ANY._replace(does="sends a signal to a process", severity="high", factor="")
_LEAVES = _ENDS._replace(does="ends the host's process")
#: To spread one's own functions over cores is ordinary; it is told, and costs its points.
_WORKERS = _ANY._replace(does="runs functions in processes of its own", severity="medium")
_WORKER_PROGRAM = _STARTS._replace(
    does="says which program worker processes are", argument=0, word="executable"
)
_MAIL_COMMAND = _STARTS._replace(does="runs a command of the shell", word="command")
_BROWSER = _STARTS._replace(
    does="starts the user's browser", severity="high", subject="url", word="url"
)
_BROWSER_COMMAND = _STARTS._replace(does="starts a program in place of a browser", word="using")
_REMOTE = _COMMAND._replace(does="runs a command on another machine")
_CONTAINERS = _ANY._replace(does="starts containers, which own the machine they run on")
_REPOSITORY = _ANY._replace(does="runs the git program", severity="high")
_LISTS = Meaning("process", "high", "processes", "looks at other processes")

TABLE: Table = (
    (
        _SHELL,
        """
        os: system popen
        commands: getoutput getstatusoutput
        popen2 pipes
        platform.popen
        subprocess: getoutput getstatusoutput
        """,
    ),
    (
        _COMMAND,
        """
        os.startfile
        pexpect
        pexpect: spawn run runu spawnu popen_spawn
        ptyprocess wexpect
        """,
    ),
    (
        _STARTS._replace(word="path"),
        """
        os: execl execle execlp execlpe execv execve execvp execvpe posix_spawn posix_spawnp
        """,
    ),
    (_SECOND, "os: spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe"),
    (
        _STARTS,
        """
        subprocess
        subprocess: run call check_call check_output Popen
        _posixsubprocess _osx_support _aix_support _bootsubprocess
        tkinter: Tcl Tk().tk.eval Tk().tk.call Tk().eval Tk().call Tcl().eval Tcl().call
        os: _execvpe _spawnvef
        _winapi: CreateProcess ShellExecute
        asyncio.create_subprocess_exec
        asyncio.subprocess
        anyio: run_process open_process
        trio: run_process open_process lowlevel.open_process
        sh sh.Command
        plumbum plumbum.local
        delegator envoy invoke.run invoke.Context().run invoke.context.Context
        asyncssh.create_process
        distutils.spawn
        distutils.spawn.spawn
        setuptools.distutils setuptools._distutils
        torch.utils.cpp_extension
        """,
    ),
    (_STARTS._replace(argument=None), "sh.bash sh.sh plumbum.cmd"),
    (_STARTS._replace(word="argv"), "pty.spawn"),
    (_SHELL._replace(argument=0), "asyncio.create_subprocess_shell"),
    (
        _SHELL,
        """
        asyncio.AbstractEventLoop().subprocess_shell
        *.subprocess_shell
        """,
    ),
    (
        _SECOND._replace(word=""),
        """
        asyncio.AbstractEventLoop().subprocess_exec
        *.subprocess_exec
        """,
    ),
    (_FORKS, "os: fork forkpty fork1\npty pty: fork"),
    (_LEAVES, "os: abort _exit"),
    (
        _ENDS,
        """
        os: kill killpg tcsetpgrp setsid setpgid pidfd_open pidfd_send_signal
        signal: pthread_kill pidfd_send_signal
        psutil: Process().kill Process().terminate Process().suspend Process().send_signal
        psutil: Process().nice Process().resume
        threading.interrupt_main
        """,
    ),
    (
        _WORKERS,
        """
        multiprocessing
        concurrent.futures.ProcessPoolExecutor
        concurrent.futures.process
        concurrent.futures.InterpreterPoolExecutor
        joblib.Parallel joblib.parallel_backend joblib.parallel_config
        loky billiard pathos multiprocess ray dask.distributed distributed
        anyio.to_process anyio.to_interpreter
        """,
    ),
    (
        _WORKER_PROGRAM,
        """
        multiprocessing: set_executable spawn.set_executable _set_executable
        multiprocessing.util.spawnv_passfds
        """,
    ),
    (
        _ANY,
        """
        multiprocessing: forkserver popen_fork popen_spawn_posix popen_spawn_win32 spawn util
        """,
    ),
    (
        _MAIL_COMMAND,
        """
        imaplib: IMAP4_stream
        """,
    ),
    (
        _BROWSER,
        """
        webbrowser
        webbrowser: open open_new open_new_tab
        webbrowser: get().open get().open_new get().open_new_tab
        click.launch typer.launch
        antigravity
        """,
    ),
    (
        _BROWSER_COMMAND,
        """
        webbrowser: get GenericBrowser BackgroundBrowser UnixBrowser Chrome Chromium Edge Mozilla
        webbrowser: Konqueror Opera Epiphany Elinks MacOSX MacOSXOSAScript WindowsDefault
        """,
    ),
    (_BROWSER_COMMAND._replace(argument=None), "webbrowser: register"),
    (
        _REMOTE,
        """
        paramiko.SSHClient().exec_command
        fabric: Connection().run Connection().sudo Connection().local run sudo local
        asyncssh.connect().run
        *.exec_command *.exec_run
        """,
    ),
    (
        _CONTAINERS,
        """
        docker aiodocker podman python_on_whales
        """,
    ),
    (_REPOSITORY, "git dulwich.porcelain hglib"),
    (
        _LISTS,
        """
        psutil: process_iter pids Process net_connections users
        """,
    ),
    (
        _ANY,
        """
        cProfile.main profile.main trace.main timeit.main
        ensurepip venv
        venv: create main EnvBuilder
        ensurepip: bootstrap
        virtualenv
        idlelib
        builtins.help
        click.edit click.echo_via_pager
        pydoc: pipepager tempfilepager pager getpager
        mailcap
        crontab.CronTab
        celery.bin rq.Worker
        ffmpeg: run run_async probe
        pydub.AudioSegment.from_file
        moviepy
        yt_dlp.postprocessor
        pypandoc
        pytesseract
        imageio_ffmpeg
        """,
    ),
    (
        None,
        """
        subprocess: PIPE STDOUT DEVNULL CalledProcessError TimeoutExpired SubprocessError
        subprocess: list2cmdline
        subprocess: CompletedProcess STARTUPINFO CREATE_NEW_CONSOLE CREATE_NEW_PROCESS_GROUP
        subprocess: CREATE_NO_WINDOW STARTF_USESHOWWINDOW SW_HIDE HIGH_PRIORITY_CLASS
        subprocess: IDLE_PRIORITY_CLASS NORMAL_PRIORITY_CLASS DETACHED_PROCESS
        asyncio.subprocess: PIPE STDOUT DEVNULL Process SubprocessStreamProtocol
        multiprocessing: cpu_count current_process parent_process active_children freeze_support
        multiprocessing: ProcessError TimeoutError AuthenticationError BufferTooShort get_logger
        multiprocessing: log_to_stderr Lock RLock Event Condition Semaphore BoundedSemaphore
        multiprocessing: Barrier Queue SimpleQueue JoinableQueue Pipe Value Array RawValue RawArray
        multiprocessing: get_context get_start_method get_all_start_methods queues synchronize
        multiprocessing: pool.AsyncResult pool.ApplyResult pool.ThreadPool dummy
        multiprocessing: resource_tracker shared_memory sharedctypes
        concurrent.futures.process.BrokenProcessPool
        pexpect: EOF TIMEOUT ExceptionPexpect exceptions
        sh: ErrorReturnCode CommandNotFound TimeoutException
        plumbum: CommandNotFound ProcessExecutionError path colors cli
        plumbum.commands.processes.ProcessExecutionError
        webbrowser.Error
        docker: errors types.Mount
        git: exc InvalidGitRepositoryError GitCommandError NoSuchPathError types
        ray.exceptions
        invoke.exceptions
        trio: Process
        os: spawn waitpid wait wait3 wait4 waitid WEXITSTATUS WIFEXITED WTERMSIG WNOHANG
        distutils.spawn.find_executable
        """,
    ),
)
