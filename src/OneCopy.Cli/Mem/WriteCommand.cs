using System.CommandLine;
using System.Text;
using System.Text.Json;

namespace OneCopy.Cli.Mem;

/// <summary><c>onecopy mem write PID ADDRESS (--hex … | --text … | --file …)</c>.</summary>
internal static class WriteCommand
{
    public static Command Create()
    {
        Argument<int> pid = MemArguments.Pid();
        Argument<nuint> address = new("ADDRESS") { Description = "Where to write (hexadecimal).", CustomParser = MemArguments.ParseAddress };
        Option<byte[]?> hex = new("--hex")
        {
            Description = "The bytes in hexadecimal; blanks between them are allowed.",
            HelpName = "BYTES",
            CustomParser = static result =>
            {
                string digits = string.Concat(result.Tokens.Select(t => t.Value)).Replace(" ", "", StringComparison.Ordinal);
                try
                {
                    return Convert.FromHexString(digits);
                }
                catch (FormatException)
                {
                    result.AddError($"'{digits}' is not hexadecimal: two digits for each byte.");
                    return null;
                }
            },
        };
        Option<string?> text = new("--text") { Description = "The bytes as text, in UTF-8, without a NUL at the end.", HelpName = "TEXT" };
        Option<FileInfo?> file = new("--file") { Description = "A file with the bytes.", HelpName = "PATH" };
        Option<bool> json = MemArguments.Json();
        Command command = new TeachingCommand("write", "Write bytes into a process's memory.", """
            The process is not stopped meanwhile and is not asked: bytes in the wrong place make it fail. Only pages that the process itself may
            write are written; at the first one that is not, the command ends with exit code 1 and says how much was written.

            Examples:
              onecopy mem write 4711 0x7f0c2a1b3000 --hex "de ad be ef"
              onecopy mem write 4711 0x7f0c2a1b3000 --text hello
              onecopy mem write 4711 0x7f0c2a1b3000 --file page.bin
            """)
        { pid, address, hex, text, file, json };
        command.Validators.Add(result =>
        {
            int given = new Option[] { hex, text, file }.Count(o => result.GetResult(o) is not null);
            if (given != 1)
                result.AddError("Say what to write with one of --hex, --text and --file.");
        });
        command.SetAction(parsed => MemArguments.Report(() =>
        {
            // Asked for by their presence: an array that was not given has an empty value, not null.
            byte[] bytes = parsed.GetResult(hex) is not null ? parsed.GetValue(hex)!
                : parsed.GetResult(text) is not null ? Encoding.UTF8.GetBytes(parsed.GetValue(text)!)
                : File.ReadAllBytes(parsed.GetValue(file)!.FullName);
            return Run(parsed.GetValue(pid), parsed.GetValue(address), bytes, parsed.GetValue(json));
        }));
        return command;
    }

    private static int Run(int pid, nuint address, byte[] bytes, bool json)
    {
        using ProcessMemory memory = ProcessMemory.Open(pid);
        memory.Write(address, bytes);
        Console.WriteLine(json
            ? JsonSerializer.Serialize(new WriteReport(pid, memory.Method.ToString(), $"0x{address:x}", bytes.Length), MemJson.Default.WriteReport)
            : $"{bytes.Length} bytes written to 0x{address:x} of process {pid}.");
        return 0;
    }
}
