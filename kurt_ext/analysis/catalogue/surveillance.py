"""What listens to, looks at or acts for the person at the machine, and their secrets."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_WATCHES = Meaning("surveillance", "high", "", "watches or acts for the person at the machine")
_KEYS = _WATCHES._replace(does="reads or types keys")
_LISTENS = _KEYS._replace(severity="critical", does="listens to every key")
_PROCESSES = _WATCHES._replace(does="reads what other programs were started with")
_SCREEN = _WATCHES._replace(does="takes pictures of the screen")
_CLIPBOARD = _WATCHES._replace(does="reads or changes the clipboard")
_SENSES = _WATCHES._replace(does="records sound or pictures")
_SECRETS = Meaning("secret_access", "high", "", "reads stored secrets")
_BROWSER = _SECRETS._replace(severity="critical", does="reads the secrets of browsers")
_ACCOUNTS = Meaning("sensitive_read", "medium", "", "reads the accounts of the machine")
_NETRC = Meaning(
    *("sensitive_read", "high", "", "reads the passwords in .netrc"), argument=0, word="file"
)
_SHADOW = _ACCOUNTS._replace(severity="critical", does="reads the passwords of the machine")
_ASKS = Meaning("surveillance", "medium", "", "asks the person for a password")
_WINDOWS = Meaning("host_tamper", "critical", "", "reaches Windows itself", "dangerous")

TABLE: Table = (
    (
        _LISTENS,
        """
        pynput.keyboard: Listener GlobalHotKeys
        keyboard: hook on_press on_release record start_recording hook_key read_event read_key
        pyxhook.HookManager pyHook.HookManager
        """,
    ),
    (_PROCESSES, "psutil: process_iter().cmdline process_iter().environ"),
    (_PROCESSES, "psutil: Process().cmdline Process().environ Process().open_files"),
    (_KEYS, "pynput keyboard mouse pyxhook evdev msvcrt uinput pyHook PyHook3 inputs pyWinhook"),
    (
        _SCREEN,
        """
        mss PIL.ImageGrab ImageGrab pyscreenshot pyautogui pywinauto pygetwindow autopy
        d3dshot dxcam pyscreeze
        """,
    ),
    (
        _CLIPBOARD,
        """
        pyperclip pyperclip3 clipboard xerox klembord pandas.read_clipboard pandas.io.clipboard
        win32clipboard copykitten *.to_clipboard *.clipboard_get *.clipboard_append
        """,
    ),
    (
        _SENSES,
        """
        cv2: VideoCapture
        sounddevice: rec InputStream RawInputStream Stream playrec
        pyaudio soundcard ossaudiodev picamera picamera2 v4l2
        speech_recognition: Microphone
        """,
    ),
    (_BROWSER, "browser_cookie3 browsercookie pycookiecheat rookiepy browser_history"),
    (_SECRETS, "keyring secretstorage win32cred gnupg pykeepass onepasswordconnectsdk"),
    (_NETRC, "netrc netrc.netrc"),
    (_SHADOW, "spwd nis"),
    (_ACCOUNTS, "pwd: getpwall getpwnam getpwuid\ngrp: getgrall\npwd grp"),
    (_ASKS, "getpass: getpass unix_getpass win_getpass"),
    (
        _WINDOWS,
        """
        winreg _winapi win32api win32gui win32process win32com win32service
        win32file win32security win32event win32ts win32crypt pythoncom wmi comtypes pywintypes
        msilib _msi
        """,
    ),
    (
        _WINDOWS._replace(severity="high", does="reads the registry of Windows", factor=""),
        """
        winreg: OpenKey OpenKeyEx ConnectRegistry QueryValue QueryValueEx QueryInfoKey EnumKey
        winreg: EnumValue CloseKey ExpandEnvironmentStrings HKEYType
        """,
    ),
    (_WATCHES._replace(severity="high", does="drives the desktop"), "dbus pydbus jeepney AppKit"),
    (
        None,
        """
        netrc.NetrcParseError
        msvcrt: get_osfhandle open_osfhandle setmode locking heapmin
        getpass: getuser GetPassWarning
        keyring.errors
        win32con
        pwd: struct_passwd
        grp: getgrgid getgrnam struct_group
        """,
    ),
)
