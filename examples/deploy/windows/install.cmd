@echo off
rem As administrator, once, in the folder that the zip was unpacked to. A new version: see
rem docs\operations.md. The program, its configuration, its state and its log stand in
rem C:\punchbridge, which nobody but administrators and the service may read.

mkdir C:\punchbridge
copy bridge.exe C:\punchbridge\bridge.exe
copy bridge.example.yaml C:\punchbridge\bridge.yaml

rem docs: service
sc.exe create punchbridge start= delayed-auto DisplayName= "punchbridge" binPath= "C:\punchbridge\bridge.exe -config C:\punchbridge\bridge.yaml -log C:\punchbridge\bridge.log serve"
sc.exe config punchbridge obj= "NT SERVICE\punchbridge"
sc.exe failure punchbridge reset= 86400 actions= restart/60000/restart/60000/restart/600000
sc.exe failureflag punchbridge 1
rem docs: end
icacls C:\punchbridge /inheritance:r /grant "*S-1-5-32-544:(OI)(CI)F" "*S-1-5-18:(OI)(CI)F" "NT SERVICE\punchbridge:(OI)(CI)M"

rem What the service prints before its log is open stands in the event log, with a text:
reg add HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\punchbridge /v EventMessageFile /t REG_EXPAND_SZ /d "%%SystemRoot%%\System32\EventCreate.exe" /f
reg add HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\punchbridge /v TypesSupported /t REG_DWORD /d 7 /f

echo Now edit C:\punchbridge\bridge.yaml, then:
echo   C:\punchbridge\bridge.exe -config C:\punchbridge\bridge.yaml check
echo   sc.exe start punchbridge
