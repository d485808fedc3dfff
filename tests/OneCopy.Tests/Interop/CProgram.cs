using System.Diagnostics;
using System.Text;
using Xunit;

namespace OneCopy.Tests.Interop;

/// <summary>A small C program, compiled against this system's headers and run; the test is skipped where no compiler is.</summary>
internal static class CProgram
{
    public static IReadOnlyList<string> Run(string source)
    {
        string compiler = Find("The bindings are not compared with the system's headers.", "cc", "gcc", "clang");
        return Run(source, compiler, runner: null, "-std=gnu11", "-w");
    }

    /// <summary>The same for another processor: a cross compiler's program under an emulator.</summary>
    public static IReadOnlyList<string> Run(string source, string compiler, string? runner, params string[] flags)
    {
        string folder = Directory.CreateTempSubdirectory("onecopy-c-").FullName;
        try
        {
            string file = Path.Combine(folder, "headers.c");
            string program = Path.Combine(folder, "headers");
            File.WriteAllText(file, source, Encoding.ASCII);
            Execute(compiler, [.. flags, "-o", program, file]);
            return (runner is null ? Execute(program, []) : Execute(runner, [program])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The bytes of a piece of assembler's text; skipped where this machine's assembler, or the cross assembler for another machine, is not there.</summary>
    public static byte[] Assemble(string source, string machine, bool native)
    {
        string prefix = native ? "" : $"{machine}-linux-gnu-", without = $"The machine code for {machine} is not compared with its source.";
        string assembler = Find(without, prefix + "as"), copier = Find(without, prefix + "objcopy");
        string folder = Directory.CreateTempSubdirectory("onecopy-as-").FullName;
        try
        {
            string text = Path.Combine(folder, "code.s"), assembled = Path.Combine(folder, "code.o"), bytes = Path.Combine(folder, "code.bin");
            File.WriteAllText(text, source);
            Execute(assembler, ["-o", assembled, text]);
            Execute(copier, ["-O", "binary", "-j", ".text", assembled, bytes]);
            return File.ReadAllBytes(bytes);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The first of these programs that is on PATH; without any the test is skipped, and says what is not tested then.</summary>
    public static string Find(string without, params string[] names)
    {
        foreach (string name in names)
        {
            foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            {
                if (File.Exists(Path.Combine(folder, name)))
                    return Path.Combine(folder, name);
            }
        }
        Assert.Skip($"There is no {string.Join(" or ", names)} on PATH. {without}");
        return "";
    }

    public static string Execute(string program, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}:\n{output}{error.GetAwaiter().GetResult()}");
        return output;
    }
}
